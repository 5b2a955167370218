//! Random histories: after each step the tables equal those of the interpreter and of a rebuild,
//! and the answers of every earlier instant stay the same.
//!
//! `MRROW_HISTORIES=N` runs N histories instead of the few of an ordinary run, `MRROW_SEED` starts
//! from another seed.

use std::collections::BTreeMap;

use chrono::{DateTime, Duration, Utc};
use mrrow_engine::model::ObjectType;
use mrrow_engine::{Past, Retention};
use serde_json::{Value, json};

use crate::books::chance::Chance;
use crate::books::random_book;
use crate::interpreter::{Movement, interpret};
use crate::ledger::{Clock, Ledger, as_of, config, movements, movements_request, rows};
use crate::random_books::number_from_environment;

const STEPS: usize = 30;

/// The current records as the test expects them, and the records that are not sent yet.
struct Model {
    settings: Value,
    current: BTreeMap<(ObjectType, String), Value>,
    /// Every record ever sent, so that deleted ones can be sent again.
    known: Vec<(ObjectType, Value)>,
    to_come: Vec<(ObjectType, Value)>,
}

impl Model {
    fn of(book: &Value) -> Model {
        let mut to_come = Vec::new();
        // Records are taken from the end, so the customers stand there.
        for object in [ObjectType::Invoices, ObjectType::Plans, ObjectType::Customers] {
            to_come.extend(
                book[object.name()]
                    .as_array()
                    .unwrap()
                    .iter()
                    .rev()
                    .map(|row| (object, row.clone())),
            );
        }
        Model { settings: json!({}), current: BTreeMap::new(), known: Vec::new(), to_come }
    }

    fn set(&mut self, object: ObjectType, row: Value) {
        self.known.push((object, row.clone()));
        self.current.insert((object, row["id"].as_str().unwrap().to_string()), row);
    }

    fn lacks_customer(&self, object: ObjectType, row: &Value) -> bool {
        let customer =
            (ObjectType::Customers, row["customer_id"].as_str().unwrap_or_default().to_string());
        object == ObjectType::Invoices && !self.current.contains_key(&customer)
    }

    fn of_type(&self, object: ObjectType) -> Vec<Value> {
        self.current
            .iter()
            .filter(|((of, _), _)| *of == object)
            .map(|(_, row)| row.clone())
            .collect()
    }

    /// The current records as a book; a deleted customer's invoices are hidden.
    fn book(&self, today: &str) -> Value {
        let customers = self.of_type(ObjectType::Customers);
        let is_there = |invoice: &Value| {
            customers.iter().any(|customer| customer["id"] == invoice["customer_id"])
        };
        let invoices: Vec<_> =
            self.of_type(ObjectType::Invoices).into_iter().filter(is_there).collect();
        json!({
            "settings": self.settings, "as_of": today,
            "customers": customers, "plans": self.of_type(ObjectType::Plans), "invoices": invoices,
        })
    }
}

/// The answer at an instant.
struct Answer {
    at: DateTime<Utc>,
    movements: Vec<Movement>,
}

struct History {
    ledger: Ledger,
    clock: Clock,
    retention: Retention,
    model: Model,
    chance: Chance,
    answers: Vec<Answer>,
}

#[tokio::test(flavor = "multi_thread")]
async fn random_histories_equal_the_interpreter_and_a_rebuild() {
    let first = number_from_environment("MRROW_SEED", 1);
    for seed in first..first + number_from_environment("MRROW_HISTORIES", 4) {
        History::begin(seed).await.run(seed).await;
    }
}

impl History {
    async fn begin(seed: u64) -> History {
        let book = random_book(40_000 + seed);
        let clock = Clock::on(as_of(&book) - Duration::days(200));
        // Every other history retains no old snapshot: the past is computed from the versions of
        // records.
        let retention = match seed % 2 {
            0 => Retention {
                files: Duration::zero(),
                snapshots: Duration::zero(),
                daily: Duration::zero(),
            },
            _ => Retention::default(),
        };
        let ledger = Ledger::open(as_of(&book))
            .await
            .reopened(|dir| configured(dir, &clock, retention))
            .await;
        History {
            ledger,
            clock,
            retention,
            model: Model::of(&book),
            chance: Chance::new(seed),
            answers: Vec::new(),
        }
    }

    async fn run(mut self, seed: u64) {
        for step in 0..STEPS {
            let done = self.step().await;
            self.ledger.engine.flush().await.unwrap();
            let today = self.clock.now().date_naive().to_string();
            let found = self.ledger.movements(None).await;
            let book = self.model.book(&today);
            assert_eq!(found, interpret(&book), "history {seed}, step {step}: {done}\n{book}");
            if self.chance.percent(25) {
                self.ledger.verify().await;
            }
            // The clock stands still in a step, and each of its snapshots is a microsecond later
            // than the one before.
            self.clock.advance(Duration::seconds(1));
            self.answers.push(Answer { at: self.clock.now(), movements: found });
            self.clock.advance(Duration::seconds(30));
        }
        self.ledger.verify().await;
        self.ledger.engine.compact().await.unwrap();
        self.ledger.verify().await;
        self.past_answers_stay_the_same(seed).await;
    }

    async fn past_answers_stay_the_same(&mut self, seed: u64) {
        for _ in 0..10 {
            let place = self.chance.place(self.answers.len());
            let Answer { at, movements: expected } = &self.answers[place];
            let snapshot = self.ledger.engine.snapshot_of(Past::KnownAt(*at), None).await.unwrap();
            let found =
                movements(&rows(snapshot.report(&movements_request()).await.unwrap()).await);
            assert_eq!(&found, expected, "history {seed}, as known after step {place}, at {at}");
        }
    }

    /// Applies one random change to a store, and returns its description.
    async fn step(&mut self) -> String {
        match self.chance.place(11) {
            0..=3 => self.records_arrive().await,
            4 => self.a_record_is_corrected().await,
            5 => self.an_invoice_moves().await,
            6 => self.records_are_deleted().await,
            7 => self.stored_records_are_sent_again().await,
            8 => self.days_pass().await,
            9 => self.a_setting_changes().await,
            _ => self.it_is_compacted_or_opened_again().await,
        }
    }

    async fn records_arrive(&mut self) -> String {
        let count = 1 + self.chance.place(12);
        let mut arrived = Vec::new();
        while arrived.len() < count
            && let Some((object, row)) = self.model.to_come.pop()
        {
            if self.model.lacks_customer(object, &row) {
                self.model.known.push((object, row));
                continue;
            }
            self.model.set(object, row.clone());
            arrived.push((object, row));
        }
        let way = self.chance.place(3);
        match way {
            // Records that are sent one by one keep their order: customers first.
            0 => {
                for (object, row) in &arrived {
                    self.ledger.push(*object, std::slice::from_ref(row)).await;
                }
            }
            1 => self.ledger.push_book(&document(&arrived)).await,
            _ => drop(self.ledger.import(&document(&arrived)).await),
        }
        format!("{} records arrive by way {way}", arrived.len())
    }

    async fn a_record_is_corrected(&mut self) -> String {
        let object = self.chance.pick(&ObjectType::ALL);
        let Some(mut row) = self.any(object) else { return "nothing to correct".to_string() };
        match object {
            ObjectType::Customers => {
                row["name"] = json!(format!("{} & Sons", row["name"].as_str().unwrap()))
            }
            ObjectType::Plans => {
                row["interval_count"] = json!(row["interval_count"].as_i64().unwrap() % 3 + 1)
            }
            ObjectType::Invoices => {
                row["amount"] = json!(row["amount"].as_i64().unwrap_or(0) / 2 + 100)
            }
        }
        self.send(object, row).await
    }

    async fn an_invoice_moves(&mut self) -> String {
        let (Some(mut invoice), Some(customer)) =
            (self.any(ObjectType::Invoices), self.any(ObjectType::Customers))
        else {
            return "nothing to move".to_string();
        };
        invoice["customer_id"] = customer["id"].clone();
        self.send(ObjectType::Invoices, invoice).await
    }

    async fn records_are_deleted(&mut self) -> String {
        let object = self.chance.pick(&ObjectType::ALL);
        let count = 1 + self.chance.place(3);
        let mut ids: Vec<String> = Vec::new();
        for _ in 0..count {
            if let Some(row) = self.any(object) {
                ids.push(row["id"].as_str().unwrap().to_string());
                self.model.current.remove(&(object, ids[ids.len() - 1].clone()));
            }
        }
        self.ledger.engine.delete("default", object, &ids).await.unwrap();
        format!("{object} {ids:?} are deleted")
    }

    async fn stored_records_are_sent_again(&mut self) -> String {
        if self.model.known.is_empty() {
            return "nothing was known".to_string();
        }
        let (object, row) = self.chance.pick(&self.model.known);
        self.send(object, row).await
    }

    async fn days_pass(&mut self) -> String {
        let days = 1 + self.chance.place(40);
        self.clock.advance(Duration::days(days as i64));
        format!("{days} days pass")
    }

    async fn a_setting_changes(&mut self) -> String {
        let settings = [
            ("grace_days", "0"),
            ("grace_days", "14"),
            ("grace_days", "never"),
            ("churn_recognition", "immediate"),
            ("churn_recognition", "period_end"),
            ("refunds", "ignore"),
            ("prorations", "replace"),
            ("discounts", "gross"),
            ("timezone", "America/New_York"),
        ];
        let (name, value) = self.chance.pick(&settings);
        self.ledger.engine.set_setting(name, value).await.unwrap();
        self.model.settings[name] =
            value.parse::<i64>().map_or_else(|_| json!(value), |days| json!(days));
        format!("{name} is {value}")
    }

    async fn it_is_compacted_or_opened_again(&mut self) -> String {
        if self.chance.percent(50) {
            self.ledger.engine.compact().await.unwrap();
            return "it is compacted".to_string();
        }
        let (clock, retention) = (self.clock.clone(), self.retention);
        let placeholder = Ledger::open(clock.now().date_naive()).await;
        let ledger = std::mem::replace(&mut self.ledger, placeholder);
        self.ledger = ledger.reopened(|dir| configured(dir, &clock, retention)).await;
        "it is opened again".to_string()
    }

    /// Sends a record, unless its customer is missing.
    async fn send(&mut self, object: ObjectType, row: Value) -> String {
        if self.model.lacks_customer(object, &row) {
            return "its customer is missing".to_string();
        }
        self.ledger.push(object, std::slice::from_ref(&row)).await;
        let change = format!("{object} gets {row}");
        self.model.set(object, row);
        change
    }

    fn any(&mut self, object: ObjectType) -> Option<Value> {
        let rows = self.model.of_type(object);
        if rows.is_empty() { None } else { Some(self.chance.pick(&rows)) }
    }
}

fn configured(dir: &std::path::Path, clock: &Clock, retention: Retention) -> mrrow_engine::Config {
    mrrow_engine::Config { retention, ..config(dir, clock) }
}

fn document(rows: &[(ObjectType, Value)]) -> Value {
    let mut book = json!({"customers": [], "plans": [], "invoices": []});
    for (object, row) in rows {
        book[object.name()].as_array_mut().unwrap().push(row.clone());
    }
    book
}
