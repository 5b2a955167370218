//! The rooms of each crate in reading order, and the rules of arrows between them.

use std::collections::BTreeSet;

use super::arrows::{Arrow, arrows};
use super::cycles::{Graph, cycle_through, graph, knots};
use super::lexer::Token;
use super::offences::Offence;
use super::sources::{Crate, Tree};

/// A room is a module at the top of a crate. It may use the rooms before it.
const ROOMS: [(&str, &[&str]); 4] = [
    (
        "engine",
        &[
            "error", "cache", "budget", "model", "config", "tables", "ingest", "files", "catalog",
            "sessions", "records", "mrr", "store", "read", "accounts", "write", "check", "engine",
        ],
    ),
    (
        "server",
        &[
            "config",
            "error",
            "metrics",
            "random",
            "rows",
            "statements",
            "pull",
            "http",
            "snapshots",
            "api",
            "local",
            "app",
            "routes",
            "serve",
        ],
    ),
    (
        "cli",
        &["exit", "output", "args", "config_file", "demo", "random", "threads", "sql", "commands"],
    ),
    ("benches", &["demo", "process", "server", "client", "pushes", "bin"]),
];

/// The first cell in the header of a map of rooms.
const MAP_HEADER: &str = "| room |";

const UP: &str = "move the item to a room that both may use, or pass it as an argument; the order \
                  of rooms stands in engine/tests/it/tidy/rooms.rs";
const UNLISTED: &str = "add the room to ROOMS in engine/tests/it/tidy/rooms.rs, and to the map in \
                        the crate's README, at its place in reading order";
const GONE: &str = "remove it from ROOMS in engine/tests/it/tidy/rooms.rs";
const LISTED: &str = "list the modules of the crate's root in the order of ROOMS";
const MAPPED: &str = "list the rooms in the order of ROOMS";
const CYCLE: &str = "move the shared item into a file of its own below both";

fn room(house: &Crate, file: usize) -> Option<&str> {
    house.product[file].module.first().map(String::as_str)
}

fn order(house: &Crate) -> &'static [&'static str] {
    ROOMS.iter().find(|(name, _)| *name == house.name).map_or(&[], |(_, rooms)| rooms)
}

/// Arrows from a room to one that is not before it, and rooms that the table does not list.
pub(super) fn order_offences(house: &Crate) -> Vec<Offence> {
    let order = order(house);
    let place = |room: &str| order.iter().position(|listed| *listed == room);
    let present: BTreeSet<&str> =
        (0..house.product.len()).filter_map(|file| room(house, file)).collect();
    let root = format!("{}/src", house.name);
    let unlisted = present.iter().filter(|room| place(room).is_none()).map(|room| {
        Offence::of_file(&root, "order", format!("room \"{room}\" is not in the order"), UNLISTED)
    });
    let gone = order
        .iter()
        .filter(|room| !present.contains(*room))
        .map(|room| Offence::of_file(&root, "order", format!("there is no room \"{room}\""), GONE));
    let upward = arrows(house).into_iter().filter_map(|arrow| {
        let (from, to) = (room(house, arrow.from)?, room(house, arrow.to)?);
        let is_upward = from != to && place(from)? < place(to)?;
        is_upward.then(|| {
            let found = format!("\"{from}\" uses \"{to}\" ({})", arrow.path);
            Offence::new(&house.product[arrow.from].path, arrow.line, "order", found, UP)
        })
    });
    unlisted.chain(gone).chain(upward).chain(unordered_modules(house)).collect()
}

/// The root of a crate lists its modules in the order of the table.
fn unordered_modules(house: &Crate) -> Option<Offence> {
    let root = house.product.iter().find(|file| file.module.is_empty())?;
    let listed: Vec<&str> = root
        .product
        .windows(3)
        .filter_map(|window| match (&window[0].item, &window[1].item, &window[2].item) {
            (Token::Word(word), Token::Word(name), Token::Mark(';')) if word == "mod" => {
                Some(name.as_str())
            }
            _ => None,
        })
        .collect();
    let expected: Vec<&str> =
        order(house).iter().copied().filter(|room| listed.contains(room)).collect();
    (listed != expected).then(|| {
        let found = format!("modules stand as {listed:?}, not as {expected:?}");
        Offence::of_file(&root.path, "order", found, LISTED)
    })
}

/// A page that maps the rooms of its crate lists them in the order of the table.
pub(super) fn map_offences(tree: &Tree) -> Vec<Offence> {
    let pages = tree.crates.iter().filter_map(|house| {
        let path = format!("{}/README.md", house.name);
        let page = tree.files.iter().find(|file| file.path == path)?;
        let rows = page.text.lines().skip_while(|line| !line.starts_with(MAP_HEADER)).skip(1);
        let rows = rows.take_while(|line| line.starts_with('|'));
        let listed: Vec<&str> = rows.flat_map(|line| rooms_of_row(house, line)).collect();
        (!listed.is_empty() && listed != order(house)).then(|| {
            let found = format!("the map lists {listed:?}, not {:?}", order(house));
            Offence::of_file(&path, "order", found, MAPPED)
        })
    });
    pages.collect()
}

/// The rooms that the first cell of a row names, such as "| `src/rows/` | …".
fn rooms_of_row<'a>(house: &Crate, line: &'a str) -> Vec<&'a str> {
    let cell = line.strip_prefix("| `").and_then(|row| row.split(" |").next()).unwrap_or_default();
    let names = cell.split('`').step_by(2).map(|name| {
        let name = name.strip_prefix("src/").unwrap_or(name);
        name.strip_suffix(".rs").unwrap_or(name).trim_end_matches('/')
    });
    names.filter(|name| order(house).contains(name)).collect()
}

fn room_graph(house: &Crate, arrows: &[Arrow]) -> (Vec<String>, Graph) {
    let rooms: BTreeSet<String> =
        (0..house.product.len()).filter_map(|at| room(house, at)).map(str::to_string).collect();
    let rooms: Vec<String> = rooms.into_iter().collect();
    let place =
        |file: usize| rooms.iter().position(|name| Some(name.as_str()) == room(house, file));
    let between = arrows.iter().filter_map(|arrow| {
        let (from, to) = (place(arrow.from)?, place(arrow.to)?);
        (from != to).then_some((from, to))
    });
    let graph = graph(between);
    (rooms, graph)
}

fn file_graph(arrows: &[Arrow]) -> Graph {
    graph(arrows.iter().map(|arrow| (arrow.from, arrow.to)))
}

/// Each file that reaches itself, with a shortest way.
pub(super) fn cycle_offences(house: &Crate) -> Vec<Offence> {
    let arrows = arrows(house);
    let graph = file_graph(&arrows);
    let name = |file: usize| house.product[file].path.replace(&format!("{}/src/", house.name), "");
    (0..house.product.len())
        .filter_map(|file| {
            let cycle = cycle_through(&graph, file)?;
            let first = arrows.iter().find(|arrow| (arrow.from, arrow.to) == (file, cycle[1]))?;
            let names: Vec<String> = cycle.into_iter().map(name).collect();
            let found = format!("cycle {} ({})", names.join(" → "), first.path);
            Some(Offence::new(&house.product[file].path, first.line, "cycles", found, CYCLE))
        })
        .collect()
}

/// How many modules the largest cycle holds.
pub(super) struct KnotSizes {
    pub(super) rooms: usize,
    pub(super) rooms_in_knot: usize,
    pub(super) files_in_knot: usize,
    pub(super) files_in_cycles: usize,
    pub(super) arrows_between_rooms: usize,
    pub(super) knots: Vec<Vec<String>>,
}

pub(super) fn knot_sizes(house: &Crate) -> KnotSizes {
    let arrows = arrows(house);
    let (rooms, of_rooms) = room_graph(house, &arrows);
    let of_files = knots(&file_graph(&arrows));
    let path = |file: &usize| house.product[*file].path.clone();
    KnotSizes {
        rooms: rooms.len(),
        rooms_in_knot: knots(&of_rooms).first().map_or(0, Vec::len),
        files_in_knot: of_files.first().map_or(0, Vec::len),
        files_in_cycles: of_files.iter().map(Vec::len).sum(),
        arrows_between_rooms: of_rooms.values().map(BTreeSet::len).sum(),
        knots: of_files.iter().map(|knot| knot.iter().map(path).collect()).collect(),
    }
}
