//! Many rows at once: PostgreSQL's binary COPY, a chunk of rows per statement, so that memory stays bounded and no statement is held open while a caller thinks.

use sqlx::PgConnection;

use super::columns::without_nul;
use crate::store::StoreError;

/// Rows that are gathered for one COPY statement.
#[derive(Debug)]
pub(super) struct Copy {
    statement: &'static str,
    columns: i16,
    bytes: Vec<u8>,
    rows: u64,
}

/// Signature, no flags, no extension: the header of the binary format.
const HEADER: &[u8] = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";
const TRAILER: [u8; 2] = (-1_i16).to_be_bytes();
const NULL: [u8; 4] = (-1_i32).to_be_bytes();

impl Copy {
    /// `statement` is a `COPY .. FROM STDIN (FORMAT binary)` of `columns` columns.
    pub(super) fn new(statement: &'static str, columns: i16) -> Self {
        Self {
            statement,
            columns,
            bytes: HEADER.to_vec(),
            rows: 0,
        }
    }

    /// Begins the next row; as many values must follow as there are columns.
    pub(super) fn row(&mut self) -> &mut Self {
        self.rows += 1;
        self.bytes.extend(self.columns.to_be_bytes());
        self
    }

    /// A BIGINT.
    pub(super) fn int(&mut self, value: impl Into<i64>) -> &mut Self {
        self.raw(&value.into().to_be_bytes())
    }

    /// A TEXT.
    pub(super) fn text(&mut self, value: &str) -> &mut Self {
        self.raw(without_nul(value).as_bytes())
    }

    /// A TEXT or NULL.
    pub(super) fn maybe_text(&mut self, value: Option<&str>) -> &mut Self {
        match value {
            Some(value) => self.text(value),
            None => self.null(),
        }
    }

    /// A BYTEA.
    pub(super) fn raw(&mut self, value: &[u8]) -> &mut Self {
        let length = i32::try_from(value.len())
            .expect("no field reaches two gibibytes: intake caps every one");
        self.bytes.extend(length.to_be_bytes());
        self.bytes.extend(value);
        self
    }

    fn null(&mut self) -> &mut Self {
        self.bytes.extend(NULL);
        self
    }

    /// How many rows wait.
    pub(super) const fn waiting(&self) -> u64 {
        self.rows
    }

    /// Sends the rows that wait, and begins again.
    pub(super) async fn send(&mut self, connection: &mut PgConnection) -> Result<(), StoreError> {
        if self.rows == 0 {
            return Ok(());
        }
        self.bytes.extend(TRAILER);
        let mut copy = connection.copy_in_raw(self.statement).await?;
        copy.send(self.bytes.as_slice()).await?;
        copy.finish().await?;
        self.bytes.truncate(HEADER.len());
        self.rows = 0;
        Ok(())
    }
}
