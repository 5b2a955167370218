//! Shows what was decoded as text, so that a test is an input and an output.

use std::fmt::Write as _;
use std::io::Read;

use arrow::array::{AsArray, RecordBatch};
use arrow::datatypes::UInt64Type;
use arrow::json::LineDelimitedWriter;

use super::{DecodeOptions, Decoded, decode};
use crate::model::ObjectType;
use crate::tables::HASH_BYTES;

pub(super) fn customers() -> DecodeOptions {
    DecodeOptions { object: Some(ObjectType::Customers), ..DecodeOptions::default() }
}

pub(super) fn plans() -> DecodeOptions {
    DecodeOptions { object: Some(ObjectType::Plans), ..DecodeOptions::default() }
}

pub(super) fn invoices() -> DecodeOptions {
    DecodeOptions { object: Some(ObjectType::Invoices), ..DecodeOptions::default() }
}

/// Rows, then rejections, warnings and ignored fields, whatever the batches.
pub(super) fn render(input: &[u8], options: &DecodeOptions) -> String {
    let shown = render_read(Box::new(std::io::Cursor::new(input.to_vec())), options);
    let small = DecodeOptions { batch_rows: 1, ..options.clone() };
    let shown_small = render_read(Box::new(std::io::Cursor::new(input.to_vec())), &small);
    let lines = |text: &str| {
        text.lines()
            .filter(|line| !line.starts_with("ignored"))
            .map(String::from)
            .collect::<Vec<_>>()
    };
    let (mut all, mut all_small) = (lines(&shown), lines(&shown_small));
    all.sort();
    all_small.sort();
    assert_eq!(all, all_small, "batches of one row");
    shown
}

pub(super) fn render_read(input: Box<dyn Read + Send>, options: &DecodeOptions) -> String {
    let mut parts = Parts::default();
    let result = decode(input, options, |step| {
        parts.add(&step);
        Ok::<(), std::convert::Infallible>(())
    });
    let error = result.err().map(|error| format!("error {error}\n")).unwrap_or_default();
    format!("{}{}{}{}{error}", parts.rows, parts.rejections, parts.warnings, parts.ignored)
}

/// The content hashes of all rows.
pub(super) fn hashes(input: &[u8], options: &DecodeOptions) -> Vec<Vec<u8>> {
    let mut hashes = Vec::new();
    let result = decode(Box::new(std::io::Cursor::new(input.to_vec())), options, |step| {
        let column =
            step.rows.column_by_name("_hash").map(|column| column.as_fixed_size_binary().clone());
        hashes.extend(column.iter().flatten().flatten().map(<[u8]>::to_vec));
        Ok::<(), std::convert::Infallible>(())
    });
    assert!(result.is_ok() && hashes.iter().all(|hash| hash.len() == HASH_BYTES as usize));
    hashes
}

#[derive(Default)]
pub(super) struct Parts {
    pub(super) rows: String,
    pub(super) rejections: String,
    pub(super) warnings: String,
    pub(super) ignored: String,
}

impl Parts {
    pub(super) fn add(&mut self, step: &Decoded) {
        self.rows += &rows(&step.rows).unwrap_or_else(|| "bad batch\n".to_string());
        for row in &step.rejections {
            let line = row.line.map_or("-".to_string(), |line| line.to_string());
            let id = row.id.as_ref().map(|id| format!(" {id}")).unwrap_or_default();
            let errors: Vec<_> = row
                .errors
                .iter()
                .map(|error| {
                    let place = if error.pointer.is_empty() {
                        String::new()
                    } else {
                        format!("{} ", error.pointer)
                    };
                    let value =
                        error.value.as_ref().map(|value| format!(" [{value}]")).unwrap_or_default();
                    format!("{place}{} {}{value}", error.code.as_str(), error.message)
                })
                .collect();
            writeln!(self.rejections, "reject {line}{id}: {}", errors.join(" | ")).ok();
        }
        for warning in &step.warnings {
            writeln!(
                self.warnings,
                "warn {} {}: {} {}",
                warning.line,
                warning.id,
                warning.code.as_str(),
                warning.message
            )
            .ok();
        }
        for (name, count) in &step.ignored_fields {
            writeln!(self.ignored, "ignored {name} {count}").ok();
        }
    }
}

/// The rows as JSON after their lines, without the columns that every row has.
fn rows(batch: &RecordBatch) -> Option<String> {
    if batch.num_rows() == 0 {
        return Some(String::new());
    }
    let lines = batch.column_by_name("_line")?.as_primitive::<UInt64Type>().clone();
    let shown = batch.num_columns() - 2;
    let mut json = Vec::new();
    let mut writer = LineDelimitedWriter::new(&mut json);
    writer.write(&batch.project(&(1..shown).collect::<Vec<_>>()).ok()?).ok()?;
    writer.finish().ok()?;
    let json = String::from_utf8(json).ok()?;
    Some(
        lines
            .values()
            .iter()
            .zip(json.lines())
            .map(|(line, row)| format!("row {line} {row}\n"))
            .collect(),
    )
}
