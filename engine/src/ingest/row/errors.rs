//! The errors of a row, under the sender's names.

use crate::ingest::rejection::{Code, FieldError};
use crate::ingest::row::values::{Names, Naming};

/// The maximum of errors of one row.
const ERRORS_MAX: usize = 100;

/// The errors of a row, under the sender's names.
pub(in crate::ingest) struct RowErrors<'n> {
    names: &'n Names,
    naming: Naming,
    list: Vec<FieldError>,
}

impl<'n> RowErrors<'n> {
    pub(in crate::ingest) fn new(names: &'n Names, naming: Naming) -> Self {
        RowErrors { names, naming, list: Vec::new() }
    }

    pub(in crate::ingest) fn into_list(self) -> Vec<FieldError> {
        self.list
    }

    pub(in crate::ingest) fn field(
        &mut self,
        name: &str,
        code: Code,
        message: String,
        value: Option<&str>,
    ) {
        self.push(self.names.locate(name, self.naming), code, message, value);
    }

    /// An error of one metadata value; `inside` is the name of the field that held it.
    pub(in crate::ingest) fn metadata(
        &mut self,
        key: &str,
        inside: Option<&str>,
        code: Code,
        message: String,
        value: Option<&str>,
    ) {
        self.push(self.names.locate_metadata(key, inside, self.naming), code, message, value);
    }

    pub(in crate::ingest) fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    fn push(&mut self, pointer: String, code: Code, message: String, value: Option<&str>) {
        if self.list.len() < ERRORS_MAX {
            self.list.push(FieldError::new(pointer, code, message, value));
        }
    }
}
