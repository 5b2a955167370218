//! Subscriptions of one customer, and their tracks (§4, §4 b).

use std::collections::BTreeMap;

use super::calendar::Cycle;
use super::periods::Charge;

/// A subscription of one customer, or one track of it. The implicit one has no id.
///
/// The order is that of §4.12: the implicit subscription, then ids by code point; then tracks.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Subscription {
    pub id: Option<String>,
    pub currency: String,
    pub track: Option<Cycle>,
}

/// Sorts the invoices of a customer into subscriptions.
pub fn by_subscription(charges: Vec<Charge>) -> BTreeMap<Subscription, Vec<Charge>> {
    let mut whole: BTreeMap<_, Vec<Charge>> = BTreeMap::new();
    for charge in charges {
        let invoice = &charge.invoice;
        let key = (invoice.subscription_id.clone(), invoice.currency.clone());
        whole.entry(key).or_default().push(charge);
    }
    let mut subscriptions: BTreeMap<_, Vec<Charge>> = BTreeMap::new();
    for ((id, currency), charges) in whole {
        let has_tracks = runs_in_tracks(&charges);
        for charge in charges {
            let track = has_tracks.then_some(charge.plan.cycle);
            let key = Subscription { id: id.clone(), currency: currency.clone(), track };
            subscriptions.entry(key).or_default().push(charge);
        }
    }
    subscriptions
}

/// Two invoices above 0, not prorations, start at one instant on plans of different cycles.
fn runs_in_tracks(charges: &[Charge]) -> bool {
    let paid = |charge: &&Charge| !charge.invoice.is_proration && charge.amount > 0;
    charges.iter().filter(paid).any(|left| {
        charges.iter().filter(paid).any(|right| {
            left.start_at.instant == right.start_at.instant && left.plan.cycle != right.plan.cycle
        })
    })
}
