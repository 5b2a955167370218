//! `mrrow demo`: an invented company's records, to try things on.

use std::ffi::OsStr;
use std::io::Write;
use std::path::Path;
use std::time::Instant;

use crate::args::DemoArgs;
use crate::demo::{Company, Files, NAMES, Written};
use crate::exit::{Code, Failure};

pub(super) fn run(args: &DemoArgs) -> Result<Code, Failure> {
    let started = Instant::now();
    refuse_to_mix(&args.dir, args.force)?;
    let company = Company::new(args.customers, args.months, args.until, args.seed);
    let written = write(&company, &args.dir).map_err(|error| {
        Failure::other(format!("write a demo into \"{}\": {error}", args.dir.display()))
    })?;
    // The files are whole by now; a reader of standard error that has gone does not change that.
    let _ = report(&written, &company, args, started);
    Ok(Code::Done)
}

fn write(company: &Company, dir: &Path) -> std::io::Result<[Written; 3]> {
    let mut files = Files::begin(dir)?;
    company.write(&mut files)?;
    files.finish()
}

/// Records that are there already are nobody's to overwrite or to mix with invented ones.
fn refuse_to_mix(dir: &Path, force: bool) -> Result<(), Failure> {
    let cannot = |error| Failure::other(format!("read \"{}\": {error}", dir.display()));
    let entries = match std::fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(cannot(error)),
    };
    for entry in entries {
        let name = entry.map_err(cannot)?.file_name();
        let is_ours = NAMES.iter().any(|ours| name == *ours);
        if is_ours && !force {
            let path = dir.join(name);
            return Err(Failure::usage(format!(
                "\"{}\" is there already; name another directory, or replace it with --force",
                path.display()
            )));
        }
        if !is_ours && would_be_imported(&name) {
            return Err(Failure::usage(format!(
                "\"{}\" would be imported along with the demo; name another directory",
                dir.join(name).display()
            )));
        }
    }
    Ok(())
}

fn would_be_imported(name: &OsStr) -> bool {
    let name = name.to_string_lossy();
    ["customers.", "plans.", "invoices."].iter().any(|start| name.starts_with(start))
}

fn report(
    written: &[Written],
    company: &Company,
    args: &DemoArgs,
    started: Instant,
) -> std::io::Result<()> {
    let mut stderr = std::io::stderr();
    for file in written {
        writeln!(
            stderr,
            "wrote {}: {} rows, {} bytes",
            file.path.display(),
            file.rows,
            file.bytes
        )?;
    }
    let (first, last) = (company.first, company.last);
    writeln!(
        stderr,
        "{first} to {last}, in {:.1?}; dates after {last} lack their renewals, so ask as of it",
        started.elapsed()
    )?;
    let dir = quoted(&args.dir);
    writeln!(stderr, "next: mrrow import {dir} && mrrow mrr --as-of {last} --format table")
}

/// A path as a shell takes it.
fn quoted(path: &Path) -> String {
    let text = path.display().to_string();
    let is_plain = |c: char| c.is_alphanumeric() || "/._-+:@%".contains(c);
    if text.chars().all(is_plain) { text } else { format!("'{}'", text.replace('\'', r"'\''")) }
}
