//! A second, independent reading of spec/mrr.md as plain loops, against which the SQL is tested: a
//! book in, movements out.

pub mod calendar;
pub mod cancellations;
pub mod changes;
pub mod charges;
pub mod groups;
pub mod lines;
pub mod moments;
mod movements;
pub mod ratio;
pub mod records;
pub mod refunds;
pub mod snaps;
pub mod untils;

pub use movements::Movement;

use serde_json::Value;

/// The movements of a book in the shape of `cases/*.json`, by (date, customer_id, currency).
pub fn interpret(book: &Value) -> Vec<Movement> {
    let book = records::read_book(book);
    let mut rows = Vec::new();
    for customer_id in &book.customers {
        let subscriptions = lines::subscriptions(&book, customer_id);
        rows.extend(movements::movements(customer_id, &subscriptions, book.as_of));
    }
    rows.sort();
    rows
}
