//! Random invoices of one customer, drawn from a theme.

use chrono::Duration;

use super::company::Company;
use super::drafts::{Draft, Ledger};
use super::random::Random;
use super::stamps::{Stamp, Writing, clock, writing};
use super::themes::{End, Theme};

/// Adds some random invoices of one customer.
pub fn chaos(
    company: &Company,
    theme: &Theme,
    customer_id: &str,
    ledger: &mut Ledger,
    random: &mut Random,
) {
    let (low, high) = theme.invoices;
    let mut kinds: Vec<&'static str> = vec!["subscription"];
    kinds.extend((1..random.between(low, high)).map(|_| *random.pick(theme.kinds)));
    // Some customers write all their dates alike.
    let alike = random.chance(40).then(|| (clock(random), writing(random)));
    for kind in kinds {
        let draft = draft(company, theme, customer_id, kind, alike, random);
        ledger.add(draft, random);
    }
}

type Alike = Option<(chrono::NaiveTime, Writing)>;

fn draft(
    company: &Company,
    theme: &Theme,
    customer_id: &str,
    kind: &'static str,
    alike: Alike,
    random: &mut Random,
) -> Draft {
    let start = stamp(company, theme, alike, random);
    let is_subscription = kind == "subscription";
    let plans = theme.plans.min(company.offers.len());
    let plan = company.offers[random.index(plans)].id.clone();
    let plan = if random.chance(1) { "ghost".to_owned() } else { plan };
    let subscription_id = random.pick(theme.subscriptions).map(|end| match end {
        "" => String::new(),
        end => format!("{customer_id}{end}"),
    });
    let has_dates = is_subscription || random.chance(45);
    let is_proration = is_subscription && random.chance(theme.prorations);
    let has_start = has_dates && (is_proration || random.chance(theme.with_start));
    let mut invoice_date = start.plus(Duration::days(*random.pick(theme.issues)));
    if random.chance(25) {
        let time = stamp(company, theme, alike, random).wall.time();
        invoice_date.wall = invoice_date.wall.date().and_time(time);
    }
    Draft {
        kind,
        customer_id: customer_id.to_owned(),
        subscription_id,
        plan_id: (is_subscription || random.chance(40)).then_some(plan),
        currency: (*random.pick(theme.currencies)).to_owned(),
        invoice_date,
        amount: *random.pick(theme.amounts),
        discount: random.chance(10).then(|| *random.pick(&[500, 0, -1_000])),
        period_start: has_start.then_some(start),
        period_end: if has_dates { end(company, theme, start, random) } else { None },
        is_proration,
    }
}

fn stamp(company: &Company, theme: &Theme, alike: Alike, random: &mut Random) -> Stamp {
    let day = company.opened_on + Duration::days(*random.pick(theme.starts));
    if let Some((clock, writing)) = alike {
        return Stamp::new(day, clock, writing);
    }
    if random.chance(theme.plain_times) {
        return Stamp::new(day, chrono::NaiveTime::MIN, Writing::UtcWall);
    }
    Stamp::new(day, clock(random), writing(random))
}

fn end(company: &Company, theme: &Theme, start: Stamp, random: &mut Random) -> Option<Stamp> {
    let plans = theme.plans.min(company.offers.len());
    let cycle = company.offers[random.index(plans)].cycle;
    let after =
        |cycles: i64, days: i64| cycle.after(start.wall.date(), cycles) + Duration::days(days);
    match *random.pick(theme.ends) {
        End::Cycles(cycles, days) => {
            Some(Stamp::new(after(cycles, days), start.wall.time(), start.writing))
        }
        End::BareCycles(cycles, days) => Some(Stamp::bare(after(cycles, days))),
        End::Days(days) => {
            let day = start.wall.date() + Duration::days(days);
            Some(Stamp::new(day, clock(random), start.writing))
        }
        End::Minutes(minutes) => Some(start.plus(Duration::minutes(minutes))),
        End::Missing => None,
    }
}
