//! Random books: small companies whose billing uses every part of the rules.
//!
//! A book is JSON like a case, without expected movements. One in eight also has `deleted` (a
//! list of `{type, id}`, deleted after all pushes) and `pushed_again` (pushed after that).
//! Every record is valid (§1.2), if the settings of the book hold before the first push.

pub mod random;
pub mod stamps;
pub mod drafts;
pub mod company;
pub mod incidents;
pub mod lives;
pub mod themes;
pub mod chaos;
pub mod versions;

use serde_json::{Value, json};

use company::{company, plan_records};
use drafts::Ledger;
use random::Random;

/// The book of a seed.
pub fn book(seed: u64) -> Value {
    let mut random = Random::seeded(seed);
    let random = &mut random;
    let mut company = company(random);
    let mut ledger = Ledger::new(company.zone);
    for customer_id in &company.customers.clone() {
        let first = random.chance(70).then(|| format!("{customer_id}s"));
        if random.chance(50) {
            let mut life = lives::new_life(&company, customer_id, first.clone(), random);
            lives::live(&company, &mut life, &mut ledger, random);
            if random.chance(30) {
                let second = random.chance(70).then(|| format!("{customer_id}t"));
                let mut life = lives::new_life(&company, customer_id, second, random);
                lives::live(&company, &mut life, &mut ledger, random);
            }
        }
        if random.chance(65) {
            let theme = *random.pick(&themes::THEMES);
            chaos::chaos(&company, theme, customer_id, &mut ledger, random);
            if !theme.as_of.is_empty() && random.chance(80) {
                let days = *random.pick(theme.as_of);
                company.as_of = company.opened_on + chrono::Duration::days(days);
            }
        }
    }
    if random.chance(20) && !ledger.drafts.is_empty() {
        versions::add_versions(&company, &mut ledger, random);
    }
    let mut plans = plan_records(&company.offers);
    if random.chance(10) {
        versions::add_plan_version(&mut plans, random);
    }
    let mut book = json!({
        "id": format!("random-{seed}"),
        "settings": company.settings,
        "as_of": company.as_of.to_string(),
        "customers": company
            .customers
            .iter()
            .map(|id| json!({"id": id, "name": format!("Customer {id}")}))
            .collect::<Vec<Value>>(),
        "plans": plans,
        "invoices": ledger.invoices,
    });
    if random.chance(12) {
        versions::add_deletions(&mut book, random);
    }
    versions::shuffled(&book, random)
}
