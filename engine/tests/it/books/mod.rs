//! Small nasty books in the shape of `cases/*.json`, each made from a seed: everything in them is
//! valid, and collides.

mod asides;
pub mod chance;
mod pen;
mod story;

use serde_json::{Map, Value, json};

use super::interpreter::calendar::{Cycle, Day, Interval, day_of, day_text};
use super::interpreter::moments::moment;
use chance::Chance;
use pen::{Habit, Pen};
use story::Story;

/// A plan as the stories need it.
#[derive(Debug, Clone)]
pub struct Plan {
    pub id: String,
    pub cycle: Cycle,
    pub currency: String,
}

/// The same book for the same seed.
pub fn random_book(seed: u64) -> Value {
    let mut chance = Chance::new(seed);
    let settings = random_settings(&mut chance);
    let zone =
        settings["timezone"].as_str().unwrap_or("UTC").parse().expect("the zones are IANA zones");
    let habit =
        chance.pick(&[Habit::Bare, Habit::MidnightUtc, Habit::LocalMidnight, Habit::AnyHour]);
    let pen = Pen { zone, habit };
    let plans = random_plans(&mut chance);
    let base = random_base(&mut chance);
    let customers: Vec<String> =
        (0..chance.between(1, 4)).map(|place| format!("c{}", 8 + place)).collect();
    let mut invoices = Vec::new();
    for customer_id in &customers {
        write_customer(
            &mut chance,
            pen,
            &plans,
            base,
            &settings,
            customer_id,
            &customers,
            &mut invoices,
        );
    }
    chance.shuffle(&mut invoices);
    let as_of = random_as_of(&mut chance, pen, base, &settings, &invoices);
    json!({
        "id": format!("random-{seed}"),
        "settings": settings,
        "as_of": day_text(as_of),
        "customers": customers.iter().map(|id| json!({ "id": id, "name": id })).collect::<Vec<Value>>(),
        "plans": plans.iter().map(plan_record).collect::<Vec<Value>>(),
        "invoices": invoices,
    })
}

/// Each setting differs from its default in about half of the books.
fn random_settings(chance: &mut Chance) -> Value {
    let mut settings = Map::new();
    if chance.percent(60) {
        let zone = chance.pick(&[
            "America/New_York",
            "Asia/Kolkata",
            "Pacific/Auckland",
            "America/Sao_Paulo",
        ]);
        settings.insert("timezone".into(), json!(zone));
    }
    if chance.percent(45) {
        settings.insert("churn_recognition".into(), json!("immediate"));
    }
    if chance.percent(55) {
        let days = chance.pick(&[0, 1, 2, 3, 5, 7, 30, 31, 45, 90]);
        let grace = if chance.percent(35) { json!("never") } else { json!(days) };
        settings.insert("grace_days".into(), grace);
    }
    if chance.percent(15) {
        settings.insert("refunds".into(), json!("ignore"));
    }
    if chance.percent(35) {
        settings.insert("prorations".into(), json!(chance.pick(&["replace", "replace", "ignore"])));
    }
    if chance.percent(35) {
        settings.insert("discounts".into(), json!("gross"));
    }
    if chance.percent(20) {
        settings.insert("base_currency".into(), json!(chance.pick(&["USD", "EUR", "JPY"])));
    }
    Value::Object(settings)
}

/// The days a book's grace setting is about; some number for `never`.
fn grace_days(settings: &Value) -> i64 {
    let days =
        if settings["grace_days"].is_string() { Some(20) } else { settings["grace_days"].as_i64() };
    days.unwrap_or(14)
}

fn random_plans(chance: &mut Chance) -> Vec<Plan> {
    let mut plans = Vec::new();
    for place in 0..chance.between(2, 6) {
        let (interval, count) = match chance.between(0, 11) {
            0..=4 => (Interval::Month, 1),
            5 => (Interval::Month, 3),
            6 => (Interval::Month, chance.between(2, 6)),
            7 | 8 => (Interval::Year, if chance.percent(80) { 1 } else { 2 }),
            9 => (Interval::Week, chance.between(1, 6)),
            10 => (Interval::Week, 1),
            _ => (Interval::Day, chance.between(1, 6)),
        };
        let currency = chance.pick(&["USD", "USD", "USD", "EUR", "JPY"]);
        let id = format!("p{}", 9 + place);
        plans.push(Plan { id, cycle: Cycle { interval, count }, currency: currency.to_string() });
    }
    plans
}

fn plan_record(plan: &Plan) -> Value {
    let interval = match plan.cycle.interval {
        Interval::Day => "day",
        Interval::Week => "week",
        Interval::Month => "month",
        Interval::Year => "year",
    };
    json!({
        "id": plan.id, "name": plan.id, "interval": interval,
        "interval_count": plan.cycle.count, "currency": plan.currency,
    })
}

/// Near month ends, leap days, and days on which clocks change.
fn random_base(chance: &mut Chance) -> Day {
    let (year, month, day) = chance.pick(&[
        (2024, 1, 31),
        (2024, 2, 29),
        (2023, 2, 28),
        (2024, 3, 10),
        (2024, 11, 3),
        (2018, 11, 4),
        (2019, 2, 16),
        (2024, 4, 7),
        (2024, 9, 29),
        (2023, 12, 31),
        (2024, 6, 15),
        (2025, 1, 1),
    ]);
    day_of(year, month, day) - chance.pick(&[0, 0, 1, 31, 59])
}

#[expect(clippy::too_many_arguments, reason = "a customer meets everything a book consists of")]
fn write_customer(
    chance: &mut Chance,
    pen: Pen,
    plans: &[Plan],
    base: Day,
    settings: &Value,
    customer_id: &str,
    customers: &[String],
    invoices: &mut Vec<Value>,
) {
    let mut subscription_ids: Vec<Option<String>> = Vec::new();
    if chance.percent(50) {
        subscription_ids.push(None);
    }
    for name in ["s1", "s10", "S2"] {
        if chance.percent(35) {
            subscription_ids.push(Some(name.to_string()));
        }
    }
    if subscription_ids.is_empty() {
        subscription_ids.push(Some("s1".to_string()));
    }
    let chapters = if subscription_ids.len() > 2 { 2 } else { 4 };
    for subscription_id in subscription_ids {
        let mut story = Story::new(
            chance,
            pen,
            plans,
            customer_id,
            subscription_id,
            base,
            grace_days(settings),
        );
        story.customers = customers.to_vec();
        story.write(chapters);
        invoices.extend(story.invoices);
    }
}

/// Before, after, or at the days on which something in the data ends or lapses.
fn random_as_of(
    chance: &mut Chance,
    pen: Pen,
    base: Day,
    settings: &Value,
    invoices: &[Value],
) -> Day {
    let invoice = &invoices[chance.place(invoices.len())];
    let field =
        chance.pick(&["period_end", "period_end", "period_end", "period_start", "invoice_date"]);
    let near = invoice[field].as_str().map_or(base, |written| moment(written, pen.zone).day);
    let grace = grace_days(settings);
    match chance.between(0, 9) {
        0 => base - chance.between(1, 40),
        1 | 2 => base + 1500,
        3 => base + chance.between(0, 200),
        _ => near + chance.pick(&[0, 1, -1, grace, grace - 1, grace + 1, 7, 28, 30, 31, 32]),
    }
}
