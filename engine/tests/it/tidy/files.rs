//! Names and first lines of files.

use super::offences::Offence;
use super::sources::{Crate, RustFile};

/// Names that fit every file, and therefore describe none.
const EMPTY_NAMES: [&str; 9] =
    ["core", "util", "utils", "helper", "helpers", "common", "manager", "misc", "shared"];

const RENAME: &str = "name the file by its one idea";
const HEAD: &str = "say the idea of the file in a first line //!";

pub(super) fn offences(house: &Crate) -> Vec<Offence> {
    let named = house.all().filter(|file| EMPTY_NAMES.contains(&stem(&file.path)));
    let named = named.map(|file| {
        let found = format!("\"{}\" says nothing", stem(&file.path));
        Offence::of_file(&file.path, "files", found, RENAME)
    });
    let headless = house.all().filter(|file| !has_head(file)).map(|file| {
        Offence::new(&file.path, 1, "files", "the first line is no //!".to_string(), HEAD)
    });
    named.chain(headless).collect()
}

fn has_head(file: &RustFile) -> bool {
    file.text.starts_with("//! ")
}

fn stem(path: &str) -> &str {
    path.rsplit('/').next().and_then(|name| name.strip_suffix(".rs")).unwrap_or_default()
}
