//! Invoices before they are written as JSON, and the book they are collected in.

use chrono::Duration;
use serde_json::{Map, Value, json};

use super::random::Random;
use super::stamps::Stamp;
use crate::second_edition::interpreter::calendar::Zone;
use crate::second_edition::interpreter::dates::read_moment;

#[derive(Clone, Debug)]
pub struct Draft {
    pub kind: &'static str,
    pub customer_id: String,
    pub subscription_id: Option<String>,
    pub plan_id: Option<String>,
    pub currency: String,
    pub invoice_date: Stamp,
    pub amount: i64,
    pub discount: Option<i64>,
    pub period_start: Option<Stamp>,
    pub period_end: Option<Stamp>,
    pub is_proration: bool,
}

/// The invoices of a book while it is written.
pub struct Ledger {
    pub zone: Zone,
    pub invoices: Vec<Value>,
    /// The drafts of `invoices`, in the same order.
    pub drafts: Vec<Draft>,
    next_id: i64,
}

impl Ledger {
    pub fn new(zone: Zone) -> Ledger {
        Ledger { zone, invoices: Vec::new(), drafts: Vec::new(), next_id: 1 }
    }

    /// Adds an invoice under a new id. The order of ids is not that of writing.
    pub fn add(&mut self, draft: Draft, random: &mut Random) {
        let letter = random.pick(&["a", "m", "z", "Z", "é"]);
        let id = format!("{letter}{}", self.next_id);
        self.next_id += 1;
        let draft = valid(draft, self.zone);
        let mut record = write(&draft, &id, self.zone);
        if random.chance(10) {
            record["quantity"] = json!(random.between(0, 5));
        }
        self.invoices.push(record);
        self.drafts.push(draft);
    }

    /// Another invoice under an id that is there already: a later version.
    pub fn add_version(&mut self, draft: Draft, id: &str) -> &mut Value {
        let draft = valid(draft, self.zone);
        self.invoices.push(write(&draft, id, self.zone));
        self.drafts.push(draft);
        self.invoices.last_mut().expect("the version was added")
    }
}

/// Makes a draft acceptable to §1.2: its end is after its start, and an amount below 0 is that of
/// a proration.
fn valid(mut draft: Draft, zone: Zone) -> Draft {
    let instant = |stamp: Stamp| {
        let text = stamp.text(zone);
        read_moment(&text, zone).expect("a written date is read").instant
    };
    if let (Some(start), Some(end)) = (draft.period_start, draft.period_end) {
        if instant(end) <= instant(start) {
            draft.period_end = Some(end.plus(Duration::days(2)));
        }
        if draft.period_end.is_some_and(|end| instant(end) <= instant(start)) {
            draft.period_end = None;
        }
    }
    if draft.kind == "subscription" && !draft.is_proration {
        draft.amount = draft.amount.abs();
    }
    draft
}

fn write(draft: &Draft, id: &str, zone: Zone) -> Value {
    let mut record = Map::new();
    let mut set = |name: &str, value: Option<Value>| {
        if let Some(value) = value {
            record.insert(name.to_owned(), value);
        }
    };
    let date = |stamp: &Stamp| json!(stamp.text(zone));
    set("id", Some(json!(id)));
    set("customer_id", Some(json!(draft.customer_id)));
    set("type", Some(json!(draft.kind)));
    set("invoice_date", Some(date(&draft.invoice_date)));
    set("amount", Some(json!(draft.amount)));
    set("currency", Some(json!(draft.currency)));
    set("plan_id", draft.plan_id.as_ref().map(|id| json!(id)));
    set("subscription_id", draft.subscription_id.as_ref().map(|id| json!(id)));
    set("period_start", draft.period_start.as_ref().map(date));
    set("period_end", draft.period_end.as_ref().map(date));
    set("discount", draft.discount.map(|discount| json!(discount)));
    set("proration", draft.is_proration.then_some(json!(true)));
    Value::Object(record)
}
