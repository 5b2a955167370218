//! Reads the columns of one row.

use chrono::{DateTime, SecondsFormat};
use mrrow_engine::arrow::array::{Array, AsArray, RecordBatch};
use mrrow_engine::arrow::datatypes::{Int64Type, TimestampMicrosecondType};

use crate::error::{ApiError, Result};

/// One row of a batch of records.
pub(crate) struct RecordRow<'b> {
    pub(crate) batch: &'b RecordBatch,
    pub(crate) at: usize,
}

impl RecordRow<'_> {
    pub(crate) fn column(&self, name: &str) -> Result<Option<&dyn Array>> {
        let column = self
            .batch
            .column_by_name(name)
            .ok_or_else(|| ApiError::internal(format!("a table has no column \"{name}\"")))?;
        Ok((!column.is_null(self.at)).then_some(column.as_ref()))
    }

    pub(crate) fn text(&self, name: &str) -> Result<Option<String>> {
        let Some(column) = self.column(name)? else { return Ok(None) };
        let text = column
            .as_string_opt::<i32>()
            .map(|texts| texts.value(self.at))
            .or_else(|| column.as_string_view_opt().map(|texts| texts.value(self.at)));
        text.map(|text| Some(text.to_string())).ok_or_else(|| wrong_type(name))
    }

    pub(crate) fn required(&self, name: &str) -> Result<String> {
        Ok(self.text(name)?.unwrap_or_default())
    }

    pub(crate) fn integer(&self, name: &str) -> Result<Option<i64>> {
        let Some(column) = self.column(name)? else { return Ok(None) };
        let numbers = column.as_primitive_opt::<Int64Type>().ok_or_else(|| wrong_type(name))?;
        Ok(Some(numbers.value(self.at)))
    }

    pub(crate) fn boolean(&self, name: &str) -> Result<Option<bool>> {
        let Some(column) = self.column(name)? else { return Ok(None) };
        Ok(Some(column.as_boolean_opt().ok_or_else(|| wrong_type(name))?.value(self.at)))
    }

    pub(crate) fn instant(&self, name: &str) -> Result<Option<String>> {
        let Some(column) = self.column(name)? else { return Ok(None) };
        let instants = column
            .as_primitive_opt::<TimestampMicrosecondType>()
            .ok_or_else(|| wrong_type(name))?;
        let instant = DateTime::from_timestamp_micros(instants.value(self.at))
            .ok_or_else(|| wrong_type(name))?;
        Ok(Some(instant.to_rfc3339_opts(SecondsFormat::AutoSi, true)))
    }
}

pub(crate) fn wrong_type(name: &str) -> ApiError {
    ApiError::internal(format!("the column \"{name}\" has another type"))
}
