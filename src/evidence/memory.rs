//! Evidence in memory, for simulations that make thousands of gateways. It is gone with the last of its users.

use std::{
    collections::BTreeMap,
    fmt,
    io::{self, Cursor, Read as _},
    ops::Bound::{Excluded, Unbounded},
    sync::{Mutex, MutexGuard, PoisonError},
};

use bytes::Bytes;

use super::place::{Incoming, Names, Place, Stored};

#[derive(Default)]
pub(super) struct Memory(Mutex<BTreeMap<String, Bytes>>);

impl Memory {
    /// Every change of the map is one insertion: it is whole whoever panicked.
    fn all(&self) -> MutexGuard<'_, BTreeMap<String, Bytes>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Display for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the evidence in memory")
    }
}

impl Place for Memory {
    fn incoming(&self) -> io::Result<Incoming> {
        Ok(Incoming::Memory(Cursor::default()))
    }

    fn put(&self, name: &str, mut bytes: Incoming) -> io::Result<()> {
        let bytes = match bytes {
            Incoming::Memory(memory) => memory.into_inner(),
            Incoming::File(_) => {
                let mut all = Vec::new();
                bytes.again()?.bytes.read_to_end(&mut all)?;
                all
            }
        };
        self.all().insert(name.to_owned(), bytes.into());
        Ok(())
    }

    fn settle(&self, _name: &str) -> io::Result<()> {
        Ok(())
    }

    fn get(&self, name: &str) -> io::Result<Option<Stored>> {
        Ok(self.all().get(name).map(|bytes| Stored {
            length: bytes.len() as u64,
            bytes: Box::new(Cursor::new(bytes.clone())),
        }))
    }

    fn beginning(&self, name: &str, length: usize) -> io::Result<Vec<u8>> {
        let all = self.all();
        let bytes = all.get(name).ok_or(io::ErrorKind::NotFound)?;
        Ok(bytes.get(..length).unwrap_or(bytes).to_vec())
    }

    fn names_after<'a>(&'a self, after: &str) -> Names<'a> {
        let all = self.all();
        let rest = all.range::<str, _>((Excluded(after), Unbounded));
        let names: Vec<_> = rest.map(|(name, _)| Ok(name.clone())).collect();
        Box::new(names.into_iter())
    }

    fn reach(&self) -> io::Result<()> {
        Ok(())
    }
}
