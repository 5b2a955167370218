//! The progress bar of an import on a terminal: rows, rows per second, bytes and remaining time.

use std::io::IsTerminal;
use std::sync::Arc;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use mrrow_engine::import::{Progress, ProgressListener};

const READING: &str = "{spinner} {msg}  {bar:30} {bytes}/{total_bytes}  {eta} left";
const READING_STREAM: &str = "{spinner} {msg}  {bytes}";
const WORKING: &str = "{spinner} {msg}  {elapsed}";

/// A bar for inputs of this size, or of unknown size. It is hidden without a terminal.
pub(super) fn new(total_bytes: Option<u64>) -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::with_draw_target(total_bytes, ProgressDrawTarget::stderr());
    set_style(&bar, if total_bytes.is_some() { READING } else { READING_STREAM });
    bar.enable_steady_tick(Duration::from_millis(100));
    bar
}

/// A listener that moves the bar.
pub(super) fn listener(bar: &ProgressBar) -> ProgressListener {
    let bar = bar.clone();
    Arc::new(move |progress| match progress {
        Progress::Reading { rows, bytes } => {
            bar.set_position(bytes);
            let seconds = bar.elapsed().as_millis().max(1);
            bar.set_message(format!("{rows} rows, {} rows/s", u128::from(rows) * 1000 / seconds));
        }
        Progress::Comparing => start_stage(&bar, "comparing with stored records"),
        Progress::Writing => start_stage(&bar, "sorting and writing"),
        Progress::Computing => start_stage(&bar, "computing movements"),
    })
}

fn start_stage(bar: &ProgressBar, message: &'static str) {
    set_style(bar, WORKING);
    bar.set_message(message);
}

fn set_style(bar: &ProgressBar, template: &str) {
    // The default style remains if a template does not parse.
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
}
