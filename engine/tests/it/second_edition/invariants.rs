//! What is always true (§5.4), over random books.

use std::collections::BTreeMap;

use super::books::{book, random::Random, versions::shuffled};
use super::interpreter::movements::{Movement, MovementType};
use super::interpreter::{compute, compute_lines, lines::mrr_on, records::Book};

fn number_of_books() -> u64 {
    std::env::var("BOOKS").ok().and_then(|text| text.parse().ok()).unwrap_or(300)
}

#[test]
fn movements_add_up_and_types_alternate() {
    let mut rows = 0;
    for seed in 0..number_of_books() {
        let book = Book::from_json(&book(seed)).expect("a random book is valid");
        let movements = compute(&book);
        rows += movements.len();
        for customer in compute_lines(&book) {
            let of_customer = |row: &&Movement| row.customer_id == customer.customer_id;
            let own: Vec<&Movement> = movements.iter().filter(of_customer).collect();
            let mut sums: BTreeMap<String, i128> = BTreeMap::new();
            let mut types: Vec<MovementType> = Vec::new();
            let mut index = 0;
            while index < own.len() {
                let date = own[index].date;
                let first = own[index].movement_type;
                while index < own.len() && own[index].date == date {
                    *sums.entry(own[index].currency.clone()).or_default() += own[index].mrr_change;
                    assert_eq!(sums[&own[index].currency], own[index].mrr_after, "seed {seed}");
                    assert!(own[index].mrr_after >= 0, "seed {seed}");
                    index += 1;
                }
                let mut closing = mrr_on(date, &customer.lines);
                let day_before = date.pred_opt().expect("a book starts after year 1");
                assert_eq!(closing.len(), sums.values().filter(|sum| **sum != 0).count());
                for (currency, sum) in &sums {
                    let mrr = closing.remove(currency).unwrap_or(0);
                    assert_eq!(mrr, *sum, "seed {seed} {date} {currency}");
                }
                let is_change =
                    matches!(first, MovementType::Expansion | MovementType::Contraction);
                if !is_change {
                    types.push(first);
                }
                if first == MovementType::Churn {
                    assert!(sums.values().all(|sum| *sum == 0), "seed {seed} {date}");
                    assert!(!mrr_on(day_before, &customer.lines).is_empty(), "seed {seed}");
                }
            }
            for (index, found) in types.iter().enumerate() {
                let expected = match index {
                    0 => MovementType::New,
                    _ if index % 2 == 1 => MovementType::Churn,
                    _ => MovementType::Reactivation,
                };
                assert_eq!(*found, expected, "seed {seed}");
            }
        }
    }
    println!("{rows} movements of {} books", number_of_books());
}

#[test]
fn order_of_push_does_not_matter() {
    for seed in 0..number_of_books() {
        let original = book(seed);
        let other = shuffled(&original, &mut Random::seeded(seed + 1_000_000));
        let compute = |json| compute(&Book::from_json(json).expect("a random book is valid"));
        assert_eq!(compute(&original), compute(&other), "seed {seed}");
    }
}

#[test]
fn customers_do_not_touch_each_other() {
    for seed in 0..number_of_books() / 4 {
        let whole = Book::from_json(&book(seed)).expect("a random book is valid");
        let mut rows = Vec::new();
        for customer in whole.customers.keys() {
            let mut part = whole.clone();
            part.customers.retain(|other, ()| other == customer);
            rows.extend(compute(&part));
        }
        rows.sort();
        assert_eq!(rows, compute(&whole), "seed {seed}");
    }
}

#[test]
fn later_as_of_only_shortens_lines() {
    // A line that had an end under an earlier `as_of` ends no later under a later one (§6).
    for seed in 0..number_of_books() / 4 {
        let earlier = Book::from_json(&book(seed)).expect("a random book is valid");
        let mut later = earlier.clone();
        later.as_of += chrono::Duration::days(40);
        let (before, after) = (compute_lines(&earlier), compute_lines(&later));
        for (before, after) in before.iter().zip(&after) {
            for line in &before.lines {
                let fits = |other: &&super::interpreter::lines::Line| {
                    other.invoice_id == line.invoice_id && other.from == line.from
                };
                let later = after.lines.iter().find(fits);
                if let (Some(later), Some(until)) = (later, line.until.day) {
                    assert!(later.until.day.is_some_and(|day| day <= until), "seed {seed}");
                }
            }
        }
    }
}
