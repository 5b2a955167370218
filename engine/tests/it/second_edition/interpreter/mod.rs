//! The rules of MRR (`engine/rules.md`, second edition), read from the text alone: plain, slow, and
//! without a line of the engine.
//!
//! `compute` is the entry. Each module quotes the sections it implements.

pub mod ratio;
pub mod calendar;
pub mod dates;
pub mod settings;
pub mod records;
pub mod periods;
pub mod credits;
pub mod tracks;
pub mod groups;
pub mod cancellations;
pub mod untils;
pub mod stubs;
pub mod changes;
pub mod snaps;
pub mod lines;
pub mod refunds;
pub mod movements;

use std::collections::BTreeMap;

use calendar::Day;
use cancellations::{Cancellations, Standing};
use changes::{Surroundings, changes};
use groups::{Sorted, groups, sort_charges};
use lines::Line;
use movements::{Movement, movements};
use periods::{InclusiveEnds, charge, counts, without_placeholder};
use records::{Book, Invoice, Kind, Plan};
use refunds::refund_line;
use settings::Settings;
use tracks::{Subscription, by_subscription};
use untils::{Live, live_groups};

/// The lines of one customer.
#[derive(Clone, Debug)]
pub struct CustomerLines {
    pub data_source: String,
    pub customer_id: String,
    pub lines: Vec<Line>,
}

/// All movements of a book, scheduled ones too, by date, data source, customer and currency.
pub fn compute(book: &Book) -> Vec<Movement> {
    let mut rows: Vec<Movement> = compute_lines(book)
        .iter()
        .flat_map(|of| movements(&of.data_source, &of.customer_id, &of.lines))
        .collect();
    rows.sort();
    rows
}

/// The lines of each customer.
pub fn compute_lines(book: &Book) -> Vec<CustomerLines> {
    let lines = |data_source: &str, customer_id: &str| {
        let plans: BTreeMap<String, Plan> = book
            .plans
            .iter()
            .filter(|(identity, _)| identity.data_source == data_source)
            .map(|(identity, plan)| (identity.id.clone(), plan.clone()))
            .collect();
        let invoices = book
            .invoices
            .iter()
            .filter(|(identity, invoice)| {
                identity.data_source == data_source && invoice.customer_id == customer_id
            })
            .map(|(_, invoice)| without_placeholder(invoice.clone()))
            .collect();
        customer_lines(invoices, &plans, &book.settings, book.as_of)
    };
    book.customers
        .keys()
        .map(|customer| CustomerLines {
            data_source: customer.data_source.clone(),
            customer_id: customer.id.clone(),
            lines: lines(&customer.data_source, &customer.id),
        })
        .collect()
}

/// The steps of §4 for one customer, in the order of the text.
fn customer_lines(
    invoices: Vec<Invoice>,
    plans: &BTreeMap<String, Plan>,
    settings: &Settings,
    as_of: Day,
) -> Vec<Line> {
    let of_kind = |kind: Kind| invoices.iter().filter(move |invoice| invoice.kind == kind);
    let counting: Vec<(Invoice, Plan)> = invoices
        .iter()
        .filter(|invoice| counts(invoice, plans))
        .map(|invoice| (invoice.clone(), plan_of(invoice, plans)))
        .collect();
    let inclusive = InclusiveEnds::of_customer(&counting);
    let charges = counting
        .into_iter()
        .map(|(invoice, plan)| {
            charge(invoice, plan, &inclusive, settings.is_gross, settings.timezone)
        })
        .collect();

    let refunds = of_kind(Kind::Refund).cloned().collect();
    let (charges, refunds) = credits::without_credited(charges, refunds);
    let subscriptions: BTreeMap<Subscription, Sorted> = by_subscription(charges)
        .into_iter()
        .map(|(subscription, charges)| (subscription, sort_charges(&charges, settings)))
        .collect();

    let cancelling = of_kind(Kind::Cancellation).collect();
    let cancellations =
        Cancellations::of_customer(cancelling, &inclusive, &subscriptions, settings);
    let standing: BTreeMap<&Subscription, Vec<Standing>> = subscriptions
        .iter()
        .map(|(subscription, sorted)| {
            let groups = groups(&sorted.regular, settings);
            (subscription, cancellations.standing(subscription, &groups))
        })
        .collect();

    let mut lines = Vec::new();
    let mut all_live = Vec::new();
    for (subscription, sorted) in &subscriptions {
        let other_currencies = starts_in_other_currencies(subscription, &standing);
        let groups = &standing[subscription];
        let mut live = live_groups(groups, &other_currencies, as_of, settings);
        stubs::pay_stubs(&mut live);
        let around = Surroundings {
            subscription,
            standing: groups,
            live: &live,
            other_currencies: &other_currencies,
            cancellations: &cancellations,
            as_of,
            settings,
        };
        let mut changes = changes(&sorted.changes, &around);
        snaps::snap(&mut changes, &live);
        lines.extend(lines::lines_of_groups(subscription, &live));
        lines.extend(lines::lines_of_changes(subscription, &changes));
        all_live.extend(live.into_iter().map(|live: Live| (subscription.clone(), live)));
    }
    if settings.refunds_reduce {
        lines.extend(refunds.iter().filter_map(|refund| refund_line(refund, &all_live)));
    }
    lines
}

fn plan_of(invoice: &Invoice, plans: &BTreeMap<String, Plan>) -> Plan {
    let plan = invoice.plan_id.as_ref().and_then(|id| plans.get(id));
    plan.expect("a subscription invoice that counts has a known plan").clone()
}

/// Starts of the groups that are not void of the same subscription id in other currencies (m of
/// §4.6); the implicit subscription has none.
fn starts_in_other_currencies(
    subscription: &Subscription,
    standing: &BTreeMap<&Subscription, Vec<Standing>>,
) -> Vec<Day> {
    let is_other = |other: &Subscription| {
        subscription.id.is_some()
            && other.id == subscription.id
            && other.currency != subscription.currency
    };
    standing
        .iter()
        .filter(|(other, _)| is_other(other))
        .flat_map(|(_, groups)| groups.iter().map(|standing| standing.group.start))
        .collect()
}
