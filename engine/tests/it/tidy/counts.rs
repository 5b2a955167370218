//! Counts of the whole tree, for a comparison of two checkouts.

use super::lengths::functions;
use super::prose::{paragraphs, plain};
use super::rooms::knot_sizes;
use super::sources::{Crate, RustFile, read_tree};
use super::types::{participle_offences, repeated_count};
use super::words::word_offences;

#[test]
#[ignore = "prints counts; run it with --ignored --nocapture"]
fn counts() {
    let tree = read_tree();
    for house in &tree.crates {
        print_crate(house);
    }
    let all = paragraphs(&tree.crates, &tree.files);
    let comments: Vec<_> = all.into_iter().filter(|paragraph| paragraph.is_comment).collect();
    let words: usize = comments.iter().map(|paragraph| paragraph.words.len()).sum();
    let count = |list: &[&str]| {
        let words = comments.iter().flat_map(|paragraph| &paragraph.words);
        words.filter(|word| list.contains(&plain(&word.item).as_str())).count()
    };
    println!("comments: {words} words");
    for (name, found) in [
        ("who, whoever, nobody", count(&["who", "whoever", "nobody"])),
        ("told, tells", count(&["told", "tells"])),
        ("cache", count(&["cache", "caches", "cached"])),
        ("every rule of words", word_offences(&comments).len()),
    ] {
        println!("  {name}: {found} ({} per 10,000)", tenths(found * 10_000, words));
    }
}

fn print_crate(house: &Crate) {
    let sizes = knot_sizes(house);
    println!("{}", house.name);
    println!(
        "  rooms in the largest cycle: {} of {}, {} arrows between rooms",
        sizes.rooms_in_knot, sizes.rooms, sizes.arrows_between_rooms
    );
    println!(
        "  files in the largest cycle: {} of {}; in any cycle: {}",
        sizes.files_in_knot,
        house.product.len(),
        sizes.files_in_cycles
    );
    let (names, repeated) = repeated_count(house);
    let participles = participle_offences(house).len();
    println!(
        "  type names in more than one file: {repeated} of {names} ({} %)",
        tenths(repeated * 100, names)
    );
    println!("  participles: {participles} ({} %)", tenths(participles * 100, names));
    let lines =
        |files: &[RustFile]| -> usize { files.iter().map(|file| file.text.lines().count()).sum() };
    let longest = house.product.iter().map(|file| file.text.lines().count()).max().unwrap_or(0);
    let functions: Vec<usize> =
        house.product.iter().flat_map(functions).map(|function| function.lines).collect();
    println!(
        "  src: {} files, {} lines, longest file {longest}; {} functions, longest {}",
        house.product.len(),
        lines(&house.product),
        functions.len(),
        functions.iter().max().unwrap_or(&0)
    );
    println!("  tests: {} files, {} lines", house.tests.len(), lines(&house.tests));
    for knot in sizes.knots {
        println!("  cycle: {}", knot.join(" "));
    }
}

/// A ratio with one digit after the point.
fn tenths(numerator: usize, denominator: usize) -> String {
    let tenths = numerator * 10 / denominator.max(1);
    format!("{}.{}", tenths / 10, tenths % 10)
}
