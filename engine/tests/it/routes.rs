//! Every route of records into a store gives the tables of one import.

use serde_json::{Value, json};

use crate::books::chance::Chance;
use crate::cases;
use crate::ledger::{Clock, Ledger, as_of, config};
use crate::random_books::{pieces_of, shuffled};
use mrrow_engine::model::ObjectType;

/// The cases of each settings as one book; the ids of each begin with its name.
fn books() -> Vec<Value> {
    let mut books: Vec<Value> = Vec::new();
    for case in cases::all() {
        let at = books.iter().position(|book| book["settings"] == case["settings"]);
        let at = at.unwrap_or_else(|| {
            books.push(
                json!({"settings": case["settings"], "customers": [], "plans": [], "invoices": []}),
            );
            books.len() - 1
        });
        for object in ObjectType::ALL {
            let rows = case[object.name()].as_array().unwrap().iter().map(|row| named(row, &case));
            books[at][object.name()].as_array_mut().unwrap().extend(rows);
        }
    }
    for book in &mut books {
        book["as_of"] = json!("2026-06-01");
    }
    books
}

fn named(row: &Value, case: &Value) -> Value {
    let mut row = row.clone();
    for field in ["id", "customer_id", "plan_id"] {
        if let Some(id) = row[field].as_str().filter(|id| !id.is_empty()) {
            row[field] = json!(format!("{}/{id}", case["id"].as_str().unwrap()));
        }
    }
    row
}

fn rows(book: &Value, object: ObjectType) -> &Vec<Value> {
    book[object.name()].as_array().unwrap()
}

/// Stores each book by a route, and compares it with one import.
macro_rules! route {
    ($name:ident, |$ledger:ident, $book:ident, $chance:ident| $route:expr) => {
        #[tokio::test(flavor = "multi_thread")]
        async fn $name() {
            let mut chance = Chance::new(11);
            for book in books() {
                let whole = Ledger::for_book(&book).await;
                whole.import(&book).await;
                let $ledger = Ledger::for_book(&book).await;
                let ($book, $chance) = (&book, &mut chance);
                let by_route: Ledger = $route;
                assert_eq!(by_route.tables().await, whole.tables().await, "{}", book["settings"]);
                by_route.verify().await;
                by_route.engine.compact().await.unwrap();
                assert_eq!(
                    by_route.tables().await,
                    whole.tables().await,
                    "{} compacted",
                    book["settings"]
                );
                by_route.verify().await;
            }
        }
    };
}

route!(one_object_at_a_time, |ledger, book, _chance| {
    for object in ObjectType::ALL {
        for row in rows(book, object) {
            ledger.push(object, std::slice::from_ref(row)).await;
        }
    }
    ledger
});

route!(shuffled_and_each_object_twice, |ledger, book, chance| {
    for object in ObjectType::ALL {
        let once = shuffled(rows(book, object), chance);
        for row in &once {
            let rows = [row.clone(), row.clone()];
            ledger.push(object, &rows[..1 + chance.place(2)]).await;
        }
        if chance.percent(50) {
            ledger.engine.flush().await.unwrap();
        }
        // Each version of an id is sent again, in the order of the versions.
        for row in once {
            ledger.push(object, &[row]).await;
        }
    }
    ledger
});

route!(random_batches_with_all_types, |ledger, book, chance| {
    for piece in pieces_of(book, 7, chance) {
        ledger.push_book(&piece).await;
    }
    ledger
});

route!(half_imported_half_pushed_with_compaction_and_reopening, |ledger, book, chance| {
    let mut ledger = ledger;
    for piece in pieces_of(book, 6, chance) {
        if chance.percent(50) {
            ledger.push_book(&piece).await
        } else {
            drop(ledger.import(&piece).await)
        }
        if chance.percent(40) {
            ledger.engine.compact().await.unwrap();
        }
        if chance.percent(40) {
            let clock = Clock::on(as_of(book));
            ledger = ledger.reopened(|dir| config(dir, &clock)).await;
        }
    }
    ledger
});

route!(half_deleted_and_pushed_again, |ledger, book, chance| {
    ledger.import(book).await;
    let mut again = Vec::new();
    for object in ObjectType::ALL {
        let mut ids: Vec<String> =
            rows(book, object).iter().map(|row| row["id"].as_str().unwrap().to_string()).collect();
        ids.sort();
        ids.dedup();
        ids.retain(|_| chance.percent(50));
        ledger.engine.delete("default", object, &ids).await.unwrap();
        let deleted = rows(book, object)
            .iter()
            .filter(|row| ids.iter().any(|id| row["id"] == **id))
            .cloned()
            .collect::<Vec<_>>();
        again.push((object, deleted));
    }
    ledger.engine.flush().await.unwrap();
    ledger.verify().await;
    if chance.percent(50) {
        ledger.engine.compact().await.unwrap();
    }
    for (object, rows) in again {
        for row in rows {
            ledger.push(object, &[row]).await;
        }
    }
    ledger
});
