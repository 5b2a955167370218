//! Counts how often each rule of §4 and §5 applies in a book, to show that random books reach
//! every rule.

mod changes;

use std::collections::BTreeMap;

use serde_json::Value;

use super::interpreter::calendar::{Day, Interval};
use super::interpreter::cancellations::{cancelled_on, known};
use super::interpreter::groups::Group;
use super::interpreter::lines::{Subscription, invoices_of, subscriptions};
use super::interpreter::moments::moment;
use super::interpreter::ratio::Ratio;
use super::interpreter::records::{Book, Invoice, InvoiceKind, Prorations, read_book};
use super::interpreter::refunds::{refund_line, refunded, target};
use super::interpreter::untils::Ending;

pub type Tally = BTreeMap<&'static str, u64>;

/// Adds what happens in one book.
pub fn count_book(tally: &mut Tally, record: &Value) {
    let book = read_book(record);
    count(tally, "0 book", true);
    count_dates(tally, record, &book);
    for customer_id in &book.customers {
        let subscriptions = subscriptions(&book, customer_id);
        let cancellations: Vec<&Invoice> =
            invoices_of(&book, customer_id, InvoiceKind::Cancellation).collect();
        for subscription in &subscriptions {
            count_charges(tally, subscription, &book);
            count_groups(tally, subscription, &book);
            count_cancellations(tally, subscription, &cancellations, &book);
            changes::count_changes(tally, subscription, &book);
        }
        if book.settings.refunds_reduce {
            for refund in invoices_of(&book, customer_id, InvoiceKind::Refund) {
                count_refund(tally, refund, &subscriptions);
            }
        }
        count_clamps(tally, &subscriptions);
    }
}

fn count(tally: &mut Tally, name: &'static str, happened: bool) {
    *tally.entry(name).or_insert(0) += u64::from(happened);
}

fn count_dates(tally: &mut Tally, record: &Value, book: &Book) {
    let invoices = record["invoices"].as_array().map(Vec::as_slice).unwrap_or_default();
    for (place, invoice) in invoices.iter().enumerate() {
        let later = invoices[place + 1..].iter().find(|later| later["id"] == invoice["id"]);
        count(tally, "1.1 superseded version", later.is_some());
        count(
            tally,
            "1.1 superseded with another customer",
            later.is_some_and(|l| l["customer_id"] != invoice["customer_id"]),
        );
        count(
            tally,
            "1.1 superseded with another type",
            later.is_some_and(|l| l["type"] != invoice["type"]),
        );
        assert_valid(record, invoice);
        if let (Some(s), Some(e)) =
            (invoice["period_start"].as_str(), invoice["period_end"].as_str())
        {
            let (start, end) =
                (moment(s, book.settings.timezone), moment(e, book.settings.timezone));
            assert!(end.at > start.at, "a period ends after it starts");
            count(tally, "3.2 end <= start", end.end_day() <= start.day);
        }
        if let Some(e) = invoice["period_end"].as_str() {
            count(tally, "3.2 end at 23:59", moment(e, book.settings.timezone).is_last_minute);
        }
        count(tally, "1.3 unknown plan", invoice["plan_id"] == "nowhere");
        count(tally, "2 one-time", invoice["type"] == "one-time");
    }
}

/// The conditions of §1.2 on an invoice, except those on its dates.
fn assert_valid(record: &Value, invoice: &Value) {
    let is_subscription = invoice["type"] == "subscription";
    assert!(
        !is_subscription || invoice["plan_id"].is_string(),
        "a subscription invoice has a plan: {invoice}"
    );
    let may_be_negative = !is_subscription || invoice["proration"] == true;
    assert!(
        may_be_negative || invoice["amount"].as_i64() >= Some(0),
        "only prorations are negative: {invoice}"
    );
    let customers = record["customers"].as_array().map(Vec::as_slice).unwrap_or_default();
    assert!(
        customers.iter().any(|customer| customer["id"] == invoice["customer_id"]),
        "a known customer: {invoice}"
    );
}

fn count_charges(tally: &mut Tally, subscription: &Subscription, book: &Book) {
    let charges = &subscription.charges;
    for charge in charges {
        count(tally, "4.1 undated proration", charge.is_proration && !charge.has_both_dates);
        count(tally, "gross changes an amount", charge.amount != charge.amount_charged);
        count(
            tally,
            "gross makes an amount negative",
            charge.amount < 0 && charge.amount_charged >= 0,
        );
    }
    for regular in subscription.groups.iter().flat_map(|group| &group.counting) {
        let charge = &regular.charge;
        count(
            tally,
            "4.1 full-length proration is regular",
            charge.is_proration && !regular.is_restated,
        );
        count(tally, "4.11 replace: regular", regular.is_restated);
        count(tally, "4.1 zero amount", charge.amount == 0);
        count(tally, "3.4 k = 2", regular.prepaid_cycles == 2);
        count(tally, "3.4 k = 3", regular.prepaid_cycles == 3);
        count(tally, "3.4 k = 4", regular.prepaid_cycles == 4);
        count(tally, "3.4 k > 4", regular.prepaid_cycles > 4);
        let nearest = Ratio::whole(charge.days()).over(charge.cycle.average_days()).nearest_whole();
        count(
            tally,
            "3.4 k refused: over 3 days off",
            nearest > 1 && regular.prepaid_cycles == 1 && !regular.is_restated,
        );
        count(tally, "3.3 day plan", charge.cycle.interval == Interval::Day);
        count(tally, "3.3 week plan", charge.cycle.interval == Interval::Week);
        count(tally, "3.3 year plan", charge.cycle.interval == Interval::Year);
    }
    let negative =
        charges.iter().filter(|c| c.is_proration && c.has_both_dates && c.amount < 0).count();
    let ignored = book.settings.prorations != Prorations::Add;
    count(tally, "4.11 negative proration dropped", ignored && negative > 0);
}

fn count_groups(tally: &mut Tally, subscription: &Subscription, book: &Book) {
    let groups = &subscription.groups;
    for (place, group) in groups.iter().enumerate() {
        count(tally, "4.2 group", true);
        count(tally, "4.2 add-ons", group.counting.len() > 1);
        count(tally, "4.2 superseded in its plan", group.members > group.counting.len());
        count(
            tally,
            "4.2 add-ons with different k",
            group.counting.iter().any(|r| r.prepaid_cycles != group.prepaid_cycles()),
        );
        count(tally, "4.5 void", group.is_void);
        count(tally, "4.3 not live: same start", !group.is_void && !group.is_live());
        count(tally, "4.4 calendar decides the grace", calendar_decides(group, book));
        if group.is_live() {
            let next = groups[place + 1..].iter().find(|later| !later.is_void).map(Group::start);
            count_ending(tally, group, next, book);
        }
    }
}

/// Counts how a live group ends; `next` is the start of the next group that is not void.
fn count_ending(tally: &mut Tally, group: &Group, next: Option<Day>, book: &Book) {
    count(
        tally,
        "4.6 replaced early",
        group.ending == Ending::Replaced && group.until < group.end(),
    );
    count(
        tally,
        "4.6 replaced on time",
        group.ending == Ending::Replaced && group.until == group.end(),
    );
    count(
        tally,
        "4.6 replaced after a never-settled hole",
        group.ending == Ending::Replaced && group.until > group.end(),
    );
    count(tally, "4.6 cut", group.ending == Ending::Cut);
    count(tally, "4.6 settled", group.ending == Ending::Settled);
    count(
        tally,
        "4.6 settled under never, after the end",
        group.ending == Ending::Settled && group.until > group.end(),
    );
    count(tally, "4.6 bridged", group.ending == Ending::Bridged);
    count(
        tally,
        "4.6 bridged by the last day",
        group.ending == Ending::Bridged
            && group
                .span
                .grace
                .is_some_and(|g| Ratio::whole(i128::from(group.until - group.end() + 1)) > g),
    );
    count(tally, "4.6 lapsed before the next", group.ending == Ending::LapsedBeforeNext);
    count(
        tally,
        "4.6 missed the grace by a day",
        group.ending == Ending::LapsedBeforeNext
            && next.is_some_and(|n| {
                group.span.grace.is_some_and(|g| Ratio::whole(i128::from(n - group.end() - 1)) <= g)
            }),
    );
    count(tally, "4.6 lapsed", group.ending == Ending::Lapsed);
    count(tally, "4.6 open", group.ending == Ending::Open);
    count(
        tally,
        "4.6 provisional on as_of",
        group.ending == Ending::Open && book.as_of >= group.end(),
    );
    count(
        tally,
        "4.6 renewal undoes a cut",
        group.ending == Ending::Replaced && group.span.cut_on == Some(group.until),
    );
}

fn calendar_decides(group: &Group, book: &Book) -> bool {
    let setting = book.settings.grace_days.map(|days| Ratio::whole(i128::from(days)));
    group.span.grace != setting
}

fn count_cancellations(
    tally: &mut Tally,
    subscription: &Subscription,
    cancellations: &[&Invoice],
    book: &Book,
) {
    let groups = &subscription.groups;
    for cancellation in cancellations {
        let applies = cancellation.subscription_id.is_empty()
            || cancellation.subscription_id == subscription.id;
        if !applies || groups.is_empty() {
            continue;
        }
        let known = known(groups, cancellation);
        let (at, day) = (cancellation.invoice_date.at, cancellation.invoice_date.day);
        count(tally, "4.5 knows nothing", known.is_empty());
        let same_instant =
            groups.iter().position(|group| group.issued_at() == at && group.start() >= day);
        count(
            tally,
            "4.5 knows a group of its instant",
            same_instant.is_some_and(|place| known.contains(&place)),
        );
        count(
            tally,
            "4.5 does not know a group of its instant",
            same_instant.is_some_and(|place| !known.contains(&place)),
        );
        count(
            tally,
            "4.5 knows only by start day",
            known.iter().any(|&place| groups[place].issued_at() > at),
        );
        let Some(&last) = known.last() else { continue };
        let cancelled_on = cancelled_on(cancellation, groups[last].end(), &book.settings);
        count(tally, "4.5 own period_end", cancellation.period_end.is_some());
        count(
            tally,
            "4.5 cuts several",
            known.iter().filter(|&&place| groups[place].end() > cancelled_on).count() > 1,
        );
        count(tally, "4.5 all known are void", known.iter().all(|&place| groups[place].is_void));
        count(
            tally,
            "4.5 last known is void, settles an earlier",
            groups[last].is_void && known.iter().any(|&place| !groups[place].is_void),
        );
        count(
            tally,
            "4.5 never: own day after the last end",
            cancellation.period_end.is_none()
                && book.settings.grace_days.is_none()
                && day > groups[last].end(),
        );
    }
}

fn count_refund(tally: &mut Tally, refund: &Invoice, subscriptions: &[Subscription]) {
    let hit = target(refund, subscriptions);
    count(tally, "4.12 refund misses", hit.is_none());
    let Some(hit) = hit else { return };
    let day = refund.invoice_date.day;
    let is_rival = |s: &&Subscription| {
        let running =
            |g: &&Group| g.is_live() && g.start() <= day && day < g.end() && day < g.until;
        refund.subscription_id.is_empty()
            && s.currency == refund.currency
            && s.groups.iter().any(|g| running(&g))
    };
    let rivals = subscriptions.iter().filter(is_rival).count();
    count(tally, "4.12 refund hits", true);
    count(tally, "4.12 several subscriptions to choose from", rivals > 1);
    let meant = refunded(refund, hit.group);
    count(tally, "4.12 on its plan, not the last", meant.charge.id != hit.group.last().charge.id);
    count(tally, "4.12 of a zero amount", refund_line(refund, hit.group).is_none());
    count(tally, "4.12 gross divisor", meant.charge.amount != meant.charge.amount_charged);
    count(tally, "4.12 of a restated proration", meant.is_restated);
}

fn count_clamps(tally: &mut Tally, subscriptions: &[Subscription]) {
    for subscription in subscriptions {
        for line in &subscription.lines {
            let running =
                subscription.lines.iter().filter(|l| l.from <= line.from && line.from < l.until);
            let sum: i128 = running.map(|l| l.rate).sum();
            count(tally, "4 sum below zero counts as 0", sum < 0);
            count(tally, "4 sum below 0.01 counts as 0", sum > 0 && sum < 100);
        }
    }
    let currencies: std::collections::BTreeSet<&str> =
        subscriptions.iter().map(|s| s.currency.as_str()).collect();
    count(tally, "5 customer with several currencies", currencies.len() > 1);
}
