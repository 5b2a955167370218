//! The summary of an import on standard error.

use std::io::Write;

use mrrow_engine::import::{ImportSummary, OnError, RejectedRow};

use crate::args::ImportArgs;
use crate::exit::Failure;

/// Prints the rejections, counts, warnings and outcome for people.
pub(super) fn print(
    summary: &ImportSummary,
    args: &ImportArgs,
    out: &mut impl Write,
) -> Result<(), Failure> {
    for rejected in &summary.rejections {
        print_rejection(rejected, out)?;
    }
    let total = summary.total();
    let shown = summary.rejections.len() as u64;
    if total.rejected > shown {
        let all = if args.rejects.is_some() {
            "in the rejects file"
        } else {
            "written with --rejects FILE"
        };
        writeln!(out, "… and {} more rejected rows, all {all}", total.rejected - shown)?;
    }
    for (object, counts) in &summary.counts {
        writeln!(
            out,
            "{object}: {} read, {} accepted ({} created, {} updated, {} unchanged), {} rejected",
            counts.read,
            counts.accepted,
            counts.created,
            counts.updated,
            counts.unchanged,
            counts.rejected
        )?;
    }
    for warning in &summary.warnings {
        let text = explanation(&warning.code);
        writeln!(
            out,
            "warning {}: {} rows, for example \"{}\": {text}",
            warning.code, warning.rows, warning.example
        )?;
    }
    if !summary.ignored_fields.is_empty() {
        let fields: Vec<_> = summary
            .ignored_fields
            .iter()
            .map(|(field, rows)| format!("{field} ({rows})"))
            .collect();
        writeln!(out, "ignored unknown fields: {}", fields.join(", "))?;
    }
    writeln!(out, "{}", outcome(summary, args))?;
    Ok(())
}

fn print_rejection(rejected: &RejectedRow, out: &mut impl Write) -> Result<(), Failure> {
    let rejection = &rejected.rejection;
    let line = rejection.line.map(|line| format!(":{line}")).unwrap_or_default();
    let id = rejection.id.as_ref().map(|id| format!(" \"{id}\"")).unwrap_or_default();
    for error in &rejection.errors {
        let value = error
            .value
            .as_ref()
            .map(|value| format!(" (the value is {value})"))
            .unwrap_or_default();
        let (code, pointer) = (error.code.as_str(), &error.pointer);
        writeln!(
            out,
            "rejected {}{line}{id} {pointer} [{code}]: {}{value}",
            rejected.input, error.message
        )?;
    }
    Ok(())
}

fn explanation(code: &str) -> &'static str {
    match code {
        "unknown_plan" => "no MRR until the plan is stored",
        "currency_differs" => "the currency of the invoice is used, not that of its plan",
        "proration_without_period" => "no MRR: a proration needs period_start and period_end",
        "cancellation_amount" => "the amount of a cancellation is ignored",
        _ => "see the README",
    }
}

fn outcome(summary: &ImportSummary, args: &ImportArgs) -> String {
    match summary.snapshot {
        Some(snapshot) => format!("stored as snapshot {snapshot}"),
        None if !summary.stored
            && summary.total().rejected > 0
            && matches!(args.on_error, OnError::Abort) =>
        {
            "nothing was stored; correct the rejected rows, or store the valid ones with \
             --on-error skip"
                .to_string()
        }
        None if args.dry_run => "dry run: nothing was stored".to_string(),
        None if summary.total().accepted > 0 => {
            "nothing new: all rows are already stored".to_string()
        }
        None => "nothing to store".to_string(),
    }
}
