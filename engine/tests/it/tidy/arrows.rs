//! Which file of a crate uses which other one. A path counts for the file that defines its item:
//! re-exports are followed, so that a parent module that only names its children uses none of them.

use std::collections::{BTreeMap, BTreeSet};

use super::paths::{NamedPath, Paths, paths_of};
use super::sources::{Crate, RustFile, TextFile, read_crate};

/// Re-exports that lead to re-exports end somewhere.
const REEXPORTS_MAX: usize = 8;

/// A file uses an item of another one. Both are places in `Crate::product`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Arrow {
    pub(super) from: usize,
    pub(super) to: usize,
    pub(super) line: usize,
    pub(super) path: String,
}

type Module = Vec<String>;

struct Modules<'a> {
    files: &'a [RustFile],
    paths: Vec<Paths>,
    places: BTreeMap<Module, usize>,
}

/// The arrows between the files of a crate, without those from a file to itself.
pub(super) fn arrows(house: &Crate) -> Vec<Arrow> {
    let files = &house.product;
    let paths = files.iter().map(|file| paths_of(&file.product)).collect();
    let places = files.iter().enumerate().map(|(at, file)| (file.module.clone(), at)).collect();
    let modules = Modules { files, paths, places };
    let found: BTreeSet<Arrow> =
        (0..files.len()).flat_map(|from| modules.arrows_of(from)).collect();
    found.into_iter().collect()
}

impl Modules<'_> {
    fn arrows_of(&self, from: usize) -> Vec<Arrow> {
        let paths = &self.paths[from];
        let imports = paths.imports.iter().filter_map(|import| {
            let to = self.resolve_as(from, &import.path, &import.alias)?;
            let is_namespace = import.is_public && self.is_below(to, from);
            (!is_namespace).then(|| self.arrow(from, to, &import.path))
        });
        let inline = paths.inline.iter().filter_map(|path| {
            let to = self.resolve(&self.through_imports(from, path)?, 0)?;
            Some(self.arrow(from, to, path))
        });
        imports.chain(inline).filter(|arrow| arrow.from != arrow.to).collect()
    }

    fn arrow(&self, from: usize, to: usize, path: &NamedPath) -> Arrow {
        Arrow { from, to, line: path.line, path: path.names.join("::") }
    }

    fn is_below(&self, child: usize, parent: usize) -> bool {
        self.files[child].module.starts_with(&self.files[parent].module)
    }

    fn resolve_as(&self, from: usize, path: &NamedPath, alias: &str) -> Option<usize> {
        let mut names = self.absolute(from, &path.names)?;
        if alias == "*" {
            names.push("*".to_string());
        }
        self.resolve(&names, 0)
    }

    /// The path from the crate's root, if the path is of this crate.
    fn absolute(&self, from: usize, names: &[String]) -> Option<Module> {
        let module = &self.files[from].module;
        let (first, rest) = names.split_first()?;
        match first.as_str() {
            "crate" => Some(rest.to_vec()),
            "self" => self.absolute_of(module, rest),
            "super" => self.absolute_of(module.split_last()?.1, rest),
            child => {
                let inside = [module.as_slice(), &[child.to_string()]].concat();
                self.places.contains_key(&inside).then(|| [module.as_slice(), names].concat())
            }
        }
    }

    fn absolute_of(&self, module: &[String], rest: &[String]) -> Option<Module> {
        match rest.split_first() {
            Some((first, rest)) if first == "super" => {
                self.absolute_of(module.split_last()?.1, rest)
            }
            _ => Some([module, rest].concat()),
        }
    }

    /// An inline path that starts with an imported module is continued from the import.
    fn through_imports(&self, from: usize, path: &NamedPath) -> Option<Module> {
        if let Some(absolute) = self.absolute(from, &path.names) {
            return Some(absolute);
        }
        let import =
            self.paths[from].imports.iter().find(|import| import.alias == path.names[0])?;
        let module = self.absolute(from, &import.path.names)?;
        // The import is an arrow already; an item of a type leads nowhere else.
        let is_module = self.places.contains_key(&module);
        is_module.then(|| [module.as_slice(), &path.names[1..]].concat())
    }

    /// The file that defines the item at a path from the root.
    fn resolve(&self, names: &[String], depth: usize) -> Option<usize> {
        let length =
            (0..=names.len()).rev().find(|&end| self.places.contains_key(&names[..end]))?;
        let at = self.places[&names[..length]];
        let Some(item) = names.get(length) else { return Some(at) };
        if depth == REEXPORTS_MAX || self.paths[at].defined.contains(item) || item == "*" {
            return Some(at);
        }
        let named = self.paths[at].imports.iter().filter(|import| import.alias == *item);
        let all = self.paths[at].imports.iter().filter(|import| import.alias == "*");
        for import in named.chain(all) {
            let Some(mut target) = self.absolute(at, &import.path.names) else { continue };
            if import.alias == "*" {
                target.push(item.clone());
            }
            if let Some(to) = self.resolve(&target, depth + 1)
                && (import.alias != "*" || self.paths[to].defined.contains(item))
            {
                return Some(to);
            }
        }
        let is_external = self.paths[at].imports.iter().any(|import| import.alias == *item);
        (!is_external).then_some(at)
    }
}

#[test]
fn arrows_end_at_the_file_that_defines_the_item() {
    let file = |path: &str, text: &str| TextFile { path: path.into(), text: text.into() };
    let house = read_crate(
        "engine",
        &[
            file("engine/src/a.rs", "mod child; pub use child::A; use crate::b; fn f() { b::g() }"),
            file(
                "engine/src/a/child.rs",
                "use super::super::b::B; pub struct A; #[cfg(test)] mod tests { use crate::c::C; }",
            ),
            file("engine/src/b.rs", "use crate::A; pub(in crate::c) fn g() {} pub struct B;"),
            file("engine/src/c.rs", "use crate::{a::*, b::{self, B as Other}}; pub struct C;"),
            file("engine/src/lib.rs", "mod a; mod b; mod c; pub use a::A;"),
        ],
    );
    let name = |at: usize| house.product[at].module.join("::");
    let found: BTreeSet<String> = arrows(&house)
        .iter()
        .map(|arrow| format!("{} {}", name(arrow.from), name(arrow.to)))
        .collect();
    let expected = ["a b", "a::child b", "b a::child", "c a", "c b"];
    assert_eq!(found, expected.map(str::to_string).into());
}
