//! `mrrow status`: what is stored, and how.

use std::io::Write;
use std::sync::Arc;

use mrrow_engine::arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use mrrow_engine::arrow::error::ArrowError;
use mrrow_engine::model::SETTING_NAMES;
use mrrow_engine::{Engine, Status, TableStatus};

use crate::args::StatusArgs;
use crate::exit::{Code, Failure};
use crate::output::{Format, Output};

pub(super) async fn run(engine: &Engine, args: &StatusArgs) -> Result<Code, Failure> {
    let status = engine.status().await?;
    if args.json || matches!(args.format, Format::Json | Format::Ndjson) {
        let json =
            serde_json::to_string(&status).map_err(|error| Failure::other(error.to_string()))?;
        writeln!(std::io::stdout(), "{json}")?;
        return Ok(Code::Done);
    }
    if args.format == Format::Table {
        facts(&status, &mut std::io::stdout())?;
    }
    let rows = rows(&status.tables).map_err(|error| Failure::other(error.to_string()))?;
    let mut output = Output::begin(Some(args.format), rows.schema())?;
    output.write(&rows)?;
    output.finish()?;
    if args.format != Format::Table {
        return Ok(Code::Done);
    }
    for warning in &status.warnings {
        writeln!(std::io::stdout(), "warning: {warning}")?;
    }
    Ok(Code::Done)
}

fn facts(status: &Status, out: &mut impl Write) -> Result<(), Failure> {
    match status.committed_at {
        Some(at) => writeln!(
            out,
            "snapshot {}, published {}, as of {}; {} snapshots kept",
            status.snapshot,
            at.format("%Y-%m-%d %H:%M:%S UTC"),
            status.as_of,
            status.snapshots
        )?,
        None => writeln!(out, "nothing is stored yet")?,
    }
    match &status.writer_pid {
        Some(pid) => writeln!(
            out,
            "process {pid} writes; {} rows wait to be published",
            status.waiting_rows
        )?,
        None => writeln!(out, "nobody writes; {} rows wait to be published", status.waiting_rows)?,
    }
    let mut settings = Vec::with_capacity(SETTING_NAMES.len());
    for name in SETTING_NAMES {
        let value = status.settings.get(name).map_err(|error| Failure::other(error.to_string()))?;
        settings.push(format!("{name} {}", if value.is_empty() { "unset" } else { &value }));
    }
    writeln!(out, "settings: {}", settings.join(", "))?;
    writeln!(out, "catalog: {} bytes", status.catalog_bytes)?;
    Ok(())
}

fn rows(tables: &[TableStatus]) -> Result<RecordBatch, ArrowError> {
    let whole = |value: fn(&TableStatus) -> i64| -> ArrayRef {
        Arc::new(tables.iter().map(value).collect::<Int64Array>())
    };
    let names: ArrayRef =
        Arc::new(StringArray::from_iter_values(tables.iter().map(|table| table.name)));
    RecordBatch::try_from_iter([
        ("table", names),
        ("rows", whole(|table| table.rows)),
        ("history_rows", whole(|table| table.history_rows)),
        ("bytes", whole(|table| table.bytes)),
        ("base_files", whole(|table| table.base_files as i64)),
        ("delta_files", whole(|table| table.delta_files as i64)),
        ("history_files", whole(|table| table.history_files as i64)),
    ])
}
