//! Names in a bucket, a page at a time.

use std::{io, time::Duration, vec};

use object_store::list::{PaginatedListOptions, PaginatedListStore as _};
use tokio::time::timeout;

use super::{super::place::PlaceFault, Named, fault::fault};

/// S3 gives no more on one page.
const PAGE: usize = 1_000;
/// Whoever asks whether the server is there wants to know now.
const PATIENCE: Duration = Duration::from_secs(4);

pub(super) struct Listing<'a> {
    bucket: &'a Named,
    /// The key to go on after; `None` when all pages were seen.
    after: Option<String>,
    page: vec::IntoIter<String>,
}

impl<'a> Listing<'a> {
    pub(super) fn after(bucket: &'a Named, name: &str) -> Self {
        let after = match name {
            "" => String::new(),
            name => bucket.key(name),
        };
        Self {
            bucket,
            after: Some(after),
            page: Vec::new().into_iter(),
        }
    }

    /// Asks for one name, whichever.
    pub(super) fn reach(bucket: &Named) -> io::Result<()> {
        let silent = |_| {
            let why = PlaceFault(format!("no answer within {} s", PATIENCE.as_secs()));
            io::Error::new(io::ErrorKind::TimedOut, why)
        };
        let (store, prefix) = (bucket.store.clone(), bucket.prefix.clone());
        let asked = async move {
            let page = store.list_paginated(Some(&prefix), options(1, ""));
            timeout(PATIENCE, page).await
        };
        bucket
            .runner
            .wait_or(asked, silent)?
            .map(drop)
            .map_err(fault)
    }

    fn turn(&mut self, after: String) -> io::Result<()> {
        let (store, prefix) = (self.bucket.store.clone(), self.bucket.prefix.clone());
        let listed = self.bucket.runner.wait(async move {
            store
                .list_paginated(Some(&prefix), options(PAGE, &after))
                .await
        })?;
        let objects = listed.result.objects.into_iter();
        let mut keys: Vec<String> = objects.map(|object| object.location.to_string()).collect();
        keys.sort_unstable();
        self.after = listed.page_token.and_then(|_| keys.last().cloned());
        let names: Vec<_> = keys
            .iter()
            .filter_map(|key| self.bucket.name(key))
            .collect();
        self.page = names.into_iter();
        Ok(())
    }
}

fn options(most: usize, after: &str) -> PaginatedListOptions {
    PaginatedListOptions {
        offset: (!after.is_empty()).then(|| after.to_owned()),
        max_keys: Some(most),
        ..PaginatedListOptions::default()
    }
}

impl Iterator for Listing<'_> {
    type Item = io::Result<String>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(name) = self.page.next() {
                return Some(Ok(name));
            }
            let after = self.after.take()?;
            if let Err(error) = self.turn(after) {
                return Some(Err(error));
            }
        }
    }
}
