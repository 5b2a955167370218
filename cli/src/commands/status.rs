//! `mrrow status`: the tables, files and settings of the data directory.

use std::io::Write;

use mrrow_engine::model::SETTING_NAMES;
use mrrow_engine::{Engine, StoreStatus, TableStatus};

use super::listing::{self, integers, text};
use crate::args::StatusArgs;
use crate::exit::{Code, Failure};
use crate::output::Format;

pub(super) async fn run(engine: &Engine, args: &StatusArgs) -> Result<Code, Failure> {
    let status = engine.status().await?;
    if args.json || matches!(args.format, Format::Json | Format::Ndjson) {
        let json =
            serde_json::to_string(&status).map_err(|error| Failure::other(error.to_string()))?;
        writeln!(std::io::stdout(), "{json}")?;
        return Ok(Code::Done);
    }
    if args.format == Format::Table {
        print_summary(&status, &mut std::io::stdout())?;
    }
    list(&status.tables, args.format)?;
    if args.format == Format::Table {
        for warning in &status.warnings {
            writeln!(std::io::stdout(), "warning: {warning}")?;
        }
    }
    Ok(Code::Done)
}

fn print_summary(status: &StoreStatus, out: &mut impl Write) -> Result<(), Failure> {
    match status.committed_at {
        Some(at) => writeln!(
            out,
            "snapshot {}, published {}, as of {}; {} snapshots retained",
            status.snapshot,
            at.format("%Y-%m-%d %H:%M:%S UTC"),
            status.as_of,
            status.snapshots
        )?,
        None => writeln!(out, "the data directory is empty")?,
    }
    let waiting = status.waiting_rows;
    match &status.writer_pid {
        Some(pid) => writeln!(out, "writer: process {pid}; {waiting} unpublished rows")?,
        None => writeln!(out, "writer: none; {waiting} unpublished rows")?,
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

fn list(tables: &[TableStatus], format: Format) -> Result<(), Failure> {
    listing::print(
        Some(format),
        [
            ("table", text(tables, |table| Some(table.name.to_string()))),
            ("rows", integers(tables, |table| table.rows)),
            ("history_rows", integers(tables, |table| table.history_rows)),
            ("bytes", integers(tables, |table| table.bytes)),
            ("base_files", integers(tables, |table| table.base_files as i64)),
            ("delta_files", integers(tables, |table| table.delta_files as i64)),
            ("history_files", integers(tables, |table| table.history_files as i64)),
        ],
    )
}
