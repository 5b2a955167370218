//! Emits rows in steps, so that memory holds at most one batch of each type.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::Schema;

use super::{DecodeOptions, Decoded};
use crate::ingest::format::source::{Counter, MalformedInput};
use crate::ingest::rejection::Rejection;
use crate::ingest::row::table;
use crate::ingest::row::table::{RowTable, decoded_schema};
use crate::model::ObjectType;

/// The receiver of rows and rejections from the formats.
pub(super) struct Output<'o> {
    options: &'o DecodeOptions,
    bytes: Counter,
    emit: &'o mut dyn FnMut(Decoded) -> io::Result<()>,
    tables: [Option<RowTable>; ObjectType::ALL.len()],
    /// Rejections of the file as a whole.
    rejections: Vec<Rejection>,
    ignored: BTreeMap<String, u64>,
    is_silent: bool,
}

impl<'o> Output<'o> {
    pub(super) fn new(
        options: &'o DecodeOptions,
        bytes: Counter,
        emit: &'o mut dyn FnMut(Decoded) -> io::Result<()>,
    ) -> Self {
        let tables = [const { None }; ObjectType::ALL.len()];
        Output {
            options,
            bytes,
            emit,
            tables,
            rejections: Vec::new(),
            ignored: BTreeMap::new(),
            is_silent: true,
        }
    }

    /// The table of a type; an error ends the reading if the type is unknown.
    pub(super) fn table(&mut self, object: Option<ObjectType>) -> io::Result<&mut RowTable> {
        let Some(object) = object else {
            let message =
                "the type of the objects is unknown; name it (customers, plans or invoices)";
            return Err(MalformedInput::file(format!(
                "{message}, or wrap them as {{\"invoices\": […]}}"
            ))
            .into_io());
        };
        Ok(self.tables[object as usize].get_or_insert_with(|| RowTable::new(object, self.options)))
    }

    /// Called after each row: emits the batch when it is full.
    pub(super) fn step(&mut self, object: Option<ObjectType>) -> io::Result<()> {
        match object.and_then(|object| self.tables[object as usize].as_mut()) {
            Some(table) if table.is_full(self.options.batch_rows) => {
                self.is_silent = false;
                (self.emit)(table.take(self.bytes.get()))
            }
            _ => Ok(()),
        }
    }

    /// Rejects something that is not a row; emitted after the rows.
    pub(super) fn reject(&mut self, rejection: Rejection) -> io::Result<()> {
        let object = rejection.object.or(self.options.object);
        self.rejections.push(Rejection { object, ..rejection });
        if self.rejections.len() >= self.options.batch_rows { self.emit_rest() } else { Ok(()) }
    }

    /// Counts a field beside the rows of a document.
    pub(super) fn ignore(&mut self, name: &str) {
        table::ignore(&mut self.ignored, name, 1);
    }

    /// Emits the rest; at least once, so that the consumer learns how many bytes were read.
    pub(super) fn finish(&mut self) -> io::Result<()> {
        for table in self.tables.iter_mut().flatten() {
            self.is_silent = false;
            (self.emit)(table.take(self.bytes.get()))?;
        }
        if self.is_silent || !self.rejections.is_empty() || !self.ignored.is_empty() {
            self.emit_rest()?;
        }
        Ok(())
    }

    fn emit_rest(&mut self) -> io::Result<()> {
        self.is_silent = false;
        let schema = self.options.object.map_or_else(|| Arc::new(Schema::empty()), decoded_schema);
        (self.emit)(Decoded {
            object: self.options.object,
            rows: RecordBatch::new_empty(schema),
            rejections: std::mem::take(&mut self.rejections),
            warnings: Vec::new(),
            ignored_fields: std::mem::take(&mut self.ignored),
            bytes_read: self.bytes.get(),
        })
    }
}

#[cfg(test)]
mod tests {
    use crate::ingest::testing::customers;
    use crate::ingest::{DecodeError, DecodeOptions, decode};

    const ROW: &str = "{\"id\":\"1\",\"name\":\"a\"}\n";

    /// Shows the steps as rows + rejections @ bytes; the consumer stops after so many.
    fn check(input: &str, stop_after: usize, expected: &str) {
        let options = DecodeOptions { batch_rows: 2, ..customers() };
        let mut steps = Vec::new();
        let result = decode(Box::new(std::io::Cursor::new(input.to_string())), &options, |step| {
            steps.push(format!(
                "{}+{}@{}",
                step.rows.num_rows(),
                step.rejections.len(),
                step.bytes_read
            ));
            if steps.len() == stop_after { Err("enough") } else { Ok(()) }
        });
        let end = match result {
            Ok(()) => "done".to_string(),
            Err(DecodeError::Stopped(reason)) => format!("stopped: {reason}"),
            Err(error) => error.to_string(),
        };
        assert_eq!(format!("{} {end}", steps.join(" ")), expected);
    }

    #[test]
    fn a_step_is_no_larger_than_a_batch() {
        check(&ROW.repeat(5), 0, "2+0@110 2+0@110 1+0@110 done");
        check(&format!("{ROW}{{}}\n{ROW}"), 0, "1+1@47 1+0@47 done");
        check("[]", 0, "0+0@2 done");
        check("", 0, "0+1@0 done");
    }

    #[test]
    fn the_consumer_may_stop() {
        check(&ROW.repeat(5), 1, "2+0@110 stopped: enough");
        check("[]", 1, "0+0@2 stopped: enough");
    }
}
