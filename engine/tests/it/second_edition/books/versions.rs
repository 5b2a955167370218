//! Later versions, stale versions, deletions, and records that are pushed again (§1.1, §1.5).

use serde_json::{Value, json};

use super::company::Company;
use super::drafts::Ledger;
use super::random::Random;

/// Pushes some invoices again: corrected, moved to another customer, or stale.
pub fn add_versions(company: &Company, ledger: &mut Ledger, random: &mut Random) {
    for _ in 0..random.between(1, 3) {
        let index = random.index(ledger.drafts.len());
        let id = ledger.invoices[index]["id"].as_str().unwrap_or_default().to_owned();
        let mut draft = ledger.drafts[index].clone();
        match random.between(0, 3) {
            0 => draft.amount += 100,
            1 => draft.customer_id = random.pick(&company.customers).clone(),
            2 => draft.invoice_date = draft.invoice_date.plus(chrono::Duration::days(1)),
            _ => draft.is_proration = draft.kind == "subscription" && !draft.is_proration,
        }
        if ledger.invoices[index].get("updated_at").is_none() && random.chance(60) {
            ledger.invoices[index]["updated_at"] = updated_at(random);
        }
        let has_time = random.chance(80);
        let time = updated_at(random);
        let version = ledger.add_version(draft, &id);
        if has_time {
            version["updated_at"] = time;
        }
    }
}

/// Pushes one plan again with another cycle, or first with another cycle.
pub fn add_plan_version(plans: &mut Vec<Value>, random: &mut Random) {
    let mut version = random.pick(plans).clone();
    version["interval_count"] = json!(random.between(1, 3));
    if random.chance(50) {
        plans.push(version);
    } else {
        plans.insert(0, version);
    }
}

fn updated_at(random: &mut Random) -> Value {
    let texts = ["2024-06-01T00:00:00Z", "2024-06-01T00:00:01Z", "2024-06-02 00:00:00+00"];
    json!(random.pick(&texts))
}

/// Deletes some records, and pushes some of them again.
pub fn add_deletions(book: &mut Value, random: &mut Random) {
    let mut deleted = Vec::new();
    let mut again = json!({});
    for (kind, list) in [("customer", "customers"), ("plan", "plans"), ("invoice", "invoices")] {
        let records = book[list].as_array().cloned().unwrap_or_default();
        if records.is_empty() || !random.chance(50) {
            continue;
        }
        let record = random.pick(&records).clone();
        deleted.push(json!({"type": kind, "id": record["id"]}));
        if random.chance(40) {
            again[list] = json!([record]);
        }
    }
    // An invoice is only accepted while its customer is there.
    let is_deleted =
        |customer: &Value| deleted.iter().any(|d| d["type"] == "customer" && d["id"] == *customer);
    let has_customer = again.get("customers").is_some();
    let is_orphan = !has_customer && is_deleted(&again["invoices"][0]["customer_id"]);
    if let Some(again) = again.as_object_mut().filter(|_| is_orphan) {
        again.remove("invoices");
    }
    book["deleted"] = Value::Array(deleted);
    book["pushed_again"] = again;
}

/// The same book in another order. Versions of one id keep theirs.
pub fn shuffled(book: &Value, random: &mut Random) -> Value {
    let mut shuffled = book.clone();
    for list in ["customers", "plans", "invoices"] {
        if let Some(records) = shuffled[list].as_array_mut() {
            let original = records.clone();
            random.shuffle(records);
            let ids: Vec<Value> = records.iter().map(|record| record["id"].clone()).collect();
            for (place, id) in ids.iter().enumerate() {
                let nth = ids[..place].iter().filter(|earlier| *earlier == id).count();
                let mut versions = original.iter().filter(|record| record["id"] == *id);
                records[place] = versions.nth(nth).expect("each version is there").clone();
            }
        }
    }
    shuffled
}
