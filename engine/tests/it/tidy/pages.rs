//! Markdown pages: each path that a page names exists.

use super::offences::Offence;
use super::sources::{TextFile, Tree};

const REMEDY: &str = "name the file where it is now";

/// Endings of the files that pages name.
const ENDINGS: [&str; 7] = [".rs", ".sql", ".md", ".json", ".toml", ".ndjson", "/"];

/// Folders under which a page's paths may lie, besides its own folder and the repository's root.
const BELOW: [&str; 3] = ["src", "tests", "tests/it"];

pub(super) fn path_offences(tree: &Tree) -> Vec<Offence> {
    let pages = tree.files.iter().filter(|file| file.path.ends_with("README.md"));
    pages.flat_map(|page| missing_paths(page, &tree.files)).collect()
}

fn missing_paths(page: &TextFile, files: &[TextFile]) -> Vec<Offence> {
    let folder = page.path.rsplit_once('/').map_or("", |(folder, _)| folder);
    let mut offences = Vec::new();
    let mut in_code = false;
    for (at, line) in page.text.lines().enumerate() {
        in_code ^= line.starts_with("```");
        if in_code {
            continue;
        }
        for path in named_paths(line).into_iter().filter(|path| !exists(path, folder, files)) {
            let found = format!("there is no \"{path}\"");
            offences.push(Offence::new(&page.path, at + 1, "pages", found, REMEDY));
        }
    }
    offences
}

/// Paths in backticks that contain a folder, and targets of links.
fn named_paths(line: &str) -> Vec<&str> {
    let quoted = line.split('`').skip(1).step_by(2).filter(|text| {
        let is_path = text.trim_end_matches('/').contains('/') && !text.starts_with(['/', '.']);
        is_path && ENDINGS.iter().any(|ending| text.ends_with(ending)) && !text.contains(' ')
    });
    let linked = line.split("](").skip(1).filter_map(|rest| {
        let target = rest.split([')', '#']).next()?;
        (!target.is_empty() && !target.contains("://")).then_some(target)
    });
    quoted.chain(linked).collect()
}

fn exists(path: &str, folder: &str, files: &[TextFile]) -> bool {
    let below = BELOW.iter().map(|below| joined(&joined(folder, below), path));
    let mut places = below.chain([joined(folder, path), path.to_string()]);
    places.any(|place| {
        let inside = format!("{}/", place.trim_end_matches('/'));
        files.iter().any(|file| file.path == place || file.path.starts_with(&inside))
    })
}

/// A path below a folder; `..` leads out of it.
fn joined(folder: &str, path: &str) -> String {
    let mut names: Vec<&str> = folder.split('/').filter(|name| !name.is_empty()).collect();
    for name in path.split('/').filter(|name| !name.is_empty()) {
        match name {
            ".." => drop(names.pop()),
            name => names.push(name),
        }
    }
    names.join("/")
}
