//! Settings, plans and customers of a random book.

use chrono::Duration;
use serde_json::{Map, Value, json};

use super::random::Random;
use crate::second_edition::interpreter::calendar::{Cycle, Day, Interval, Zone, day_of};

/// A plan that the invoices of a book may name.
#[derive(Clone, Debug)]
pub struct Offer {
    pub id: String,
    pub cycle: Cycle,
    pub price: i64,
}

pub struct Company {
    pub settings: Value,
    pub zone: Zone,
    pub offers: Vec<Offer>,
    pub customers: Vec<String>,
    /// The first days of the book.
    pub opened_on: Day,
    pub as_of: Day,
}

const ZONES: [&str; 9] = [
    "UTC",
    "UTC",
    "America/New_York",
    "America/Los_Angeles",
    "America/Sao_Paulo",
    "Europe/Berlin",
    "Asia/Kolkata",
    "America/St_Johns",
    "Pacific/Apia",
];

pub fn company(random: &mut Random) -> Company {
    let zone = if random.chance(50) { "UTC" } else { *random.pick(&ZONES) };
    // Days on which a zone of the list changes its clocks are near these.
    let opened_on = *random.pick(&[
        day_of(2024, 1, 31),
        day_of(2024, 1, 1),
        day_of(2023, 10, 15),
        day_of(2024, 2, 28),
        day_of(2018, 10, 20),
        day_of(2011, 11, 25),
    ]);
    let opened_on = opened_on + Duration::days(random.between(0, 20) * random.between(0, 1));
    Company {
        settings: settings(random, zone),
        zone: Zone::named(zone).expect("the list has zones that exist"),
        offers: offers(random),
        customers: (1..=random.between(1, 3)).map(|number| format!("c{number}")).collect(),
        opened_on,
        as_of: opened_on + Duration::days(random.between(20, 420)),
    }
}

fn settings(random: &mut Random, zone: &str) -> Value {
    let mut settings = Map::new();
    let mut set = |name: &str, value: Value| settings.insert(name.to_owned(), value);
    if zone != "UTC" {
        set("timezone", json!(zone));
    }
    if random.chance(30) {
        set("churn_recognition", json!("immediate"));
    }
    match random.between(0, 9) {
        0 => set("grace_days", json!(0)),
        1 => set("grace_days", json!(3)),
        2 | 3 => set("grace_days", json!(90)),
        4 => set("grace_days", json!("never")),
        _ => None,
    };
    if random.chance(10) {
        set("refunds", json!("ignore"));
    }
    if random.chance(25) {
        set("prorations", json!(random.pick(&["replace", "replace", "ignore"])));
    }
    if random.chance(25) {
        set("same_period", json!("replace"));
    }
    if random.chance(25) {
        set("discounts", json!("gross"));
    }
    Value::Object(settings)
}

fn offers(random: &mut Random) -> Vec<Offer> {
    let cycles = [
        Cycle::new(Interval::Month, 1),
        Cycle::new(Interval::Month, 1),
        Cycle::new(Interval::Month, 1),
        Cycle::new(Interval::Year, 1),
        Cycle::new(Interval::Month, 3),
        Cycle::new(Interval::Week, 1),
        Cycle::new(Interval::Week, 4),
        Cycle::new(Interval::Day, 1),
        Cycle::new(Interval::Day, 30),
        Cycle::new(Interval::Month, 12),
        Cycle::new(Interval::Month, 6),
    ];
    let main = if random.chance(45) { cycles[0] } else { *random.pick(&cycles) };
    let count = random.between(2, 4);
    let mut offers: Vec<Offer> = Vec::new();
    for number in 0..=count {
        let cycle = if number < 2 { main } else { *random.pick(&cycles) };
        let price = *random.pick(&[999, 10_000, 5_000, 2_001, 100]);
        offers.push(Offer { id: format!("p{number}"), cycle, price });
    }
    offers
}

/// The plans as records.
pub fn plan_records(offers: &[Offer]) -> Vec<Value> {
    offers
        .iter()
        .map(|offer| {
            let interval = match offer.cycle.interval {
                Interval::Day => "day",
                Interval::Week => "week",
                Interval::Month => "month",
                Interval::Year => "year",
            };
            json!({
                "id": offer.id,
                "name": format!("Plan {}", offer.id),
                "interval": interval,
                "interval_count": offer.cycle.count,
                "currency": "USD",
            })
        })
        .collect()
}
