//! `mrrow demo`: writes the records of an invented company.

use std::ffi::OsStr;
use std::io::Write;
use std::path::Path;
use std::time::Instant;

use crate::args::DemoArgs;
use crate::demo::{Company, DemoFiles, FILE_NAMES, FileSummary};
use crate::exit::{Code, Failure};

pub(super) fn run(args: &DemoArgs) -> Result<Code, Failure> {
    let started = Instant::now();
    check_directory(&args.dir, args.force)?;
    let company = Company::new(args.customers, args.months, args.until, args.seed);
    let written = write(&company, &args.dir).map_err(|error| {
        Failure::other(format!("write a demo to \"{}\": {error}", args.dir.display()))
    })?;
    // The files are complete: a closed standard error is no failure.
    let _ = report(&written, &company, args, started);
    Ok(Code::Done)
}

fn write(company: &Company, dir: &Path) -> std::io::Result<[FileSummary; 3]> {
    let mut files = DemoFiles::create(dir)?;
    company.write(&mut files)?;
    files.finish()
}

/// Refuses to overwrite records, and to mix them with invented ones.
fn check_directory(dir: &Path, force: bool) -> Result<(), Failure> {
    let cannot = |error| Failure::other(format!("read \"{}\": {error}", dir.display()));
    let entries = match std::fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(cannot(error)),
    };
    for entry in entries {
        let name = entry.map_err(cannot)?.file_name();
        let is_demo_file = FILE_NAMES.iter().any(|file| name == *file);
        if is_demo_file && !force {
            let path = dir.join(name);
            return Err(Failure::usage(format!(
                "\"{}\" already exists; name another directory, or replace it with --force",
                path.display()
            )));
        }
        if !is_demo_file && would_be_imported(&name) {
            return Err(Failure::usage(format!(
                "\"{}\" would be imported together with the demo; name another directory",
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
    written: &[FileSummary],
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
        "history from {first} to {last}, written in {:.1?}; later days have no renewals, so use \
         --as-of {last}",
        started.elapsed()
    )?;
    let dir = shell_quote(&args.dir);
    writeln!(stderr, "next: mrrow import {dir} && mrrow mrr --as-of {last} --format table")
}

/// Quotes a path for a shell, where needed.
fn shell_quote(path: &Path) -> String {
    let text = path.display().to_string();
    let is_plain = |c: char| c.is_alphanumeric() || "/._-+:@%".contains(c);
    if text.chars().all(is_plain) { text } else { format!("'{}'", text.replace('\'', r"'\''")) }
}
