//! Random books: the SQL against the interpreter, row by row, by one import and by pieces in any
//! order.
//!
//! `MRROW_BOOKS=N` runs N books instead of the few of an ordinary run, `MRROW_SEED` starts
//! from another seed.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::books::chance::Chance;
use crate::books::random_book;
use crate::interpreter::{Movement, interpret};
use crate::ledger::Ledger;

/// Books that share one store: the ids of each begin with its number.
const BOOKS_TOGETHER: usize = 40;

pub(crate) fn number_from_environment(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| text.parse().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn random_books_equal_the_interpreter() {
    let first = number_from_environment("MRROW_SEED", 1);
    let books = number_from_environment("MRROW_BOOKS", 400);
    let mut by_zone: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for seed in first..first + books {
        let book = random_book(seed);
        by_zone.entry(book["settings"]["timezone"].to_string()).or_default().push(book);
    }
    for books in by_zone.into_values() {
        for together in books.chunks(BOOKS_TOGETHER) {
            equal_the_interpreter(&joined(together)).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn any_order_repetition_and_split_of_imports_gives_the_same_tables() {
    let mut chance = Chance::new(number_from_environment("MRROW_SEED", 1));
    for round in 0..number_from_environment("MRROW_BOOKS", 400) / 50 {
        let books: Vec<Value> =
            (0..10).map(|book| random_book(900_000 + round * 10 + book)).collect();
        let zone = books[0]["settings"]["timezone"].clone();
        let book = joined(
            &books
                .into_iter()
                .filter(|book| book["settings"]["timezone"] == zone)
                .collect::<Vec<_>>(),
        );
        let whole = Ledger::for_book(&book).await;
        whole.import(&book).await;
        whole.import(&book).await;
        let pieces = Ledger::for_book(&book).await;
        for piece in pieces_of(&book, 4, &mut chance) {
            pieces.import(&piece).await;
        }
        for table in
            ["movements", "scheduled_movements", "mrr_lines", "invoices", "customers", "plans"]
        {
            assert_eq!(
                sorted(&whole, table).await,
                sorted(&pieces, table).await,
                "{table} of round {round}"
            );
        }
        pieces.verify().await;
    }
}

async fn sorted(ledger: &Ledger, table: &str) -> Vec<Vec<String>> {
    let mut rows = ledger.sql(&format!("select * from {table}")).await;
    rows.sort();
    rows
}

async fn equal_the_interpreter(book: &Value) {
    let ledger = Ledger::for_book(book).await;
    ledger.import(book).await;
    let (found, expected) = (ledger.movements(None).await, interpret(book));
    if found != expected {
        panic!("{}", difference(book, &found, &expected));
    }
    ledger.verify().await;
}

/// The first customer that differs, with its records, in the form of a case.
fn difference(book: &Value, found: &[Movement], expected: &[Movement]) -> String {
    let of = |rows: &[Movement], id: &str| -> Vec<Movement> {
        rows.iter().filter(|row| row.customer_id == id).cloned().collect()
    };
    let customers = book["customers"].as_array().unwrap();
    let differing = customers.iter().map(|customer| customer["id"].as_str().unwrap());
    let mut differing: Vec<&str> =
        differing.filter(|id| of(found, id) != of(expected, id)).collect();
    let invoices_of = |id: &str| -> Vec<&Value> {
        book["invoices"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|invoice| invoice["customer_id"] == id)
            .collect()
    };
    differing.sort_by_key(|id| invoices_of(id).len());
    let Some(id) = differing.first() else { return "rows of unknown customers".to_string() };
    let records = json!({
        "settings": book["settings"], "as_of": book["as_of"], "customers": [{"id": id, "name": id}],
        "plans": book["plans"], "invoices": invoices_of(id),
    });
    let (found, expected) = (of(found, id), of(expected, id));
    let count = differing.len();
    format!(
        "{count} customers differ, such as\n{records}\nfound {found:#?}\nexpected {expected:#?}"
    )
}

/// One book of many, with the settings and as_of of the first.
fn joined(books: &[Value]) -> Value {
    let mut all = json!({"settings": books[0]["settings"], "as_of": books[0]["as_of"]});
    for table in ["customers", "plans", "invoices"] {
        let mut rows = Vec::new();
        for (number, book) in books.iter().enumerate() {
            rows.extend(book[table].as_array().unwrap().iter().map(|row| numbered(row, number)));
        }
        all[table] = Value::Array(rows);
    }
    all
}

fn numbered(row: &Value, number: usize) -> Value {
    let mut row = row.clone();
    for field in ["id", "customer_id", "plan_id"] {
        if let Some(id) = row[field].as_str().filter(|id| !id.is_empty()) {
            row[field] = json!(format!("{number:02}/{id}"));
        }
    }
    row
}

/// The rows in another order; the versions of one id keep theirs.
pub(crate) fn shuffled(rows: &[Value], chance: &mut Chance) -> Vec<Value> {
    let mut order: Vec<usize> = (0..rows.len()).collect();
    chance.shuffle(&mut order);
    let mut versions: BTreeMap<String, Vec<&Value>> = BTreeMap::new();
    for row in rows.iter().rev() {
        versions.entry(row["id"].to_string()).or_default().push(row);
    }
    let mut next =
        |&at: &usize| versions.get_mut(&rows[at]["id"].to_string()).unwrap().pop().unwrap().clone();
    order.iter().map(&mut next).collect()
}

/// The book in `count` imports: the customers first, plans and invoices anywhere.
pub(crate) fn pieces_of(book: &Value, count: usize, chance: &mut Chance) -> Vec<Value> {
    let mut pieces = vec![json!({"customers": [], "plans": [], "invoices": []}); count];
    pieces[0]["customers"] = Value::Array(shuffled(book["customers"].as_array().unwrap(), chance));
    for table in ["plans", "invoices"] {
        let rows = shuffled(book[table].as_array().unwrap(), chance);
        let length = rows.len().max(1);
        for (at, row) in rows.into_iter().enumerate() {
            pieces[at * count / length][table].as_array_mut().unwrap().push(row);
        }
    }
    pieces
}
