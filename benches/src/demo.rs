//! The companies that are measured are those of `mrrow demo`.

use std::error::Error;
use std::path::Path;
use std::process::Command;

/// Invoices of ten customers in the 24 months of a demo, on average; so many customers are asked
/// for.
const INVOICES_OF_TEN: u64 = 56;

/// Has the `mrrow` beside this program write a company with about so many invoices.
pub(crate) fn write(dir: &Path, invoices: u64) -> Result<(), Box<dyn Error>> {
    let mrrow = std::env::current_exe()?
        .with_file_name("mrrow")
        .with_extension(std::env::consts::EXE_EXTENSION);
    let customers = (invoices * 10).div_ceil(INVOICES_OF_TEN).to_string();
    let mut command = Command::new(&mrrow);
    command.arg("demo").arg(dir).args([
        "--customers",
        &customers,
        "--months",
        "24",
        "--until",
        "2025-12",
    ]);
    let output =
        command.output().map_err(|error| format!("run \"{}\": {error}", mrrow.display()))?;
    if output.status.success() {
        Ok(())
    } else {
        Err(String::from_utf8_lossy(&output.stderr).into())
    }
}
