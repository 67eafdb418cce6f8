//! Rows for `COPY … FROM STDIN (FORMAT binary)`, after PostgreSQL's documentation of COPY, "Binary Format": a signature, then
//! for each row the number of fields and for each field its length and its bytes, big-endian; length -1 is NULL.

use sqlx::PgConnection;

use super::storable;

const SIGNATURE: &[u8] = b"PGCOPY\n\xff\r\n\0";

/// No flags, no header extension.
const HEADER: [u8; 8] = [0; 8];

const TRAILER: [u8; 2] = (-1i16).to_be_bytes();

/// A buffer of this size is sent on.
const BUFFER_BYTES: usize = 1 << 20;

/// Rows of one COPY statement.
pub(crate) struct CopyRows {
    statement: &'static str,
    columns: i16,
    buffers: Vec<Vec<u8>>,
    current: Vec<u8>,
    rows: usize,
}

impl CopyRows {
    pub(crate) fn new(statement: &'static str, columns: i16) -> Self {
        Self {
            statement,
            columns,
            buffers: Vec::new(),
            current: [SIGNATURE, &HEADER].concat(),
            rows: 0,
        }
    }

    pub(crate) fn begin_row(&mut self) {
        if self.current.len() >= BUFFER_BYTES {
            self.buffers.push(std::mem::take(&mut self.current));
        }
        self.rows += 1;
        self.current.extend(self.columns.to_be_bytes());
    }

    pub(crate) fn bigint(&mut self, value: Option<i64>) {
        self.field(value.map(i64::to_be_bytes).as_ref().map(<[u8; 8]>::as_slice));
    }

    pub(crate) fn integer(&mut self, value: i32) {
        self.field(Some(&value.to_be_bytes()));
    }

    pub(crate) fn smallint(&mut self, value: i16) {
        self.field(Some(&value.to_be_bytes()));
    }

    /// An array, after `array_recv` in PostgreSQL's `arrayfuncs.c`: dimensions, whether there is a NULL, the type of the
    /// elements, their number, the first index, then each with its length.
    pub(crate) fn bigints(&mut self, values: impl ExactSizeIterator<Item = i64>) {
        const BIGINT_OID: i32 = 20;
        let length = i32::try_from(values.len()).unwrap_or(i32::MAX);
        let mut array: Vec<u8> = [1, 0, BIGINT_OID, length, 1].map(i32::to_be_bytes).concat();
        for value in values {
            array.extend(8_i32.to_be_bytes());
            array.extend(value.to_be_bytes());
        }
        self.field(Some(&array));
    }

    pub(crate) fn double(&mut self, value: f64) {
        self.field(Some(&value.to_be_bytes()));
    }

    pub(crate) fn text(&mut self, value: Option<&str>) {
        self.field(value.map(storable).as_ref().map(|text| text.as_bytes()));
    }

    pub(crate) fn bytes(&mut self, value: &[u8]) {
        self.field(Some(value));
    }

    fn field(&mut self, value: Option<&[u8]>) {
        // Nothing that we store comes near 2 GB; what did would be refused by the server as a row too long.
        let length = value.map_or(-1, |bytes| i32::try_from(bytes.len()).unwrap_or(i32::MAX));
        self.current.extend(length.to_be_bytes());
        self.current.extend(value.unwrap_or_default());
    }

    /// Sends all rows; without any, nothing is done.
    pub(crate) async fn send(mut self, connection: &mut PgConnection) -> Result<(), sqlx::Error> {
        if self.rows == 0 {
            return Ok(());
        }
        self.current.extend(TRAILER);
        self.buffers.push(self.current);
        let mut copy = connection.copy_in_raw(self.statement).await?;
        for buffer in self.buffers {
            copy.send(buffer).await?;
        }
        copy.finish().await.map(drop)
    }
}
