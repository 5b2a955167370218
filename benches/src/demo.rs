//! The measured company: the one that `mrrow demo` generates.

use std::error::Error;
use std::path::Path;
use std::process::Command;

/// Average number of invoices of ten customers in the 24 months of a demo.
const INVOICES_OF_TEN_CUSTOMERS: u64 = 56;

/// Runs `mrrow demo` for a company with about this number of invoices.
pub fn write_demo(mrrow: &Path, dir: &Path, invoices: u64) -> Result<(), Box<dyn Error>> {
    let customers = (invoices * 10).div_ceil(INVOICES_OF_TEN_CUSTOMERS).to_string();
    let mut command = Command::new(mrrow);
    command.arg("demo").arg(dir);
    command.args(["--customers", &customers, "--months", "24", "--until", "2025-12"]);
    let output =
        command.output().map_err(|error| format!("run \"{}\": {error}", mrrow.display()))?;
    if output.status.success() {
        Ok(())
    } else {
        Err(String::from_utf8_lossy(&output.stderr).into())
    }
}
