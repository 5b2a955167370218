//! The life of one subscription as a billing system writes it: period after period.

use chrono::{Duration, NaiveTime};

use super::company::{Company, Offer};
use super::drafts::{Draft, Ledger};
use super::incidents::incident;
use super::random::Random;
use super::stamps::{Stamp, Writing, clock, writing};
use crate::second_edition::interpreter::calendar::{Day, day_of, days_between};

/// How a billing system writes the end of a period.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ends {
    /// Where the next period starts.
    NextStart,
    /// The last day, at midnight.
    LastDay,
    /// The last day, at 23:59:59.
    LastMinute,
    Missing,
    /// A date in the far future.
    Placeholder,
}

/// A subscription, with what it is billed next.
#[derive(Clone, Debug)]
pub struct Life {
    pub customer_id: String,
    pub subscription_id: Option<String>,
    pub currency: String,
    pub offer: Offer,
    pub start: Day,
    pub ends: Ends,
    pub clock: NaiveTime,
    pub writing: Writing,
    /// Days from the start of a period to its invoice; none: billed in arrears, at its end.
    pub issued_after: Option<i64>,
    pub has_start: bool,
    pub discount: Option<i64>,
}

/// One billed period of a life.
#[derive(Clone, Debug)]
pub struct Billed {
    pub draft: Draft,
    pub start: Day,
    pub end: Day,
}

pub fn new_life(
    company: &Company,
    customer_id: &str,
    subscription_id: Option<String>,
    random: &mut Random,
) -> Life {
    let ends = *random.pick(&[
        Ends::NextStart,
        Ends::NextStart,
        Ends::NextStart,
        Ends::LastDay,
        Ends::LastDay,
        Ends::LastMinute,
        Ends::Missing,
        Ends::Placeholder,
    ]);
    Life {
        customer_id: customer_id.to_owned(),
        subscription_id,
        currency: (*random.pick(&["USD", "USD", "USD", "JPY"])).to_owned(),
        offer: random.pick(&company.offers).clone(),
        start: company.opened_on + Duration::days(random.between(0, 40)),
        ends,
        clock: clock(random),
        writing: writing(random),
        issued_after: *random.pick(&[Some(0), Some(0), Some(0), Some(-5), Some(2), None, None]),
        has_start: random.chance(85),
        discount: random.chance(20).then(|| random.between(0, 3) * 500),
    }
}

impl Life {
    fn stamp(&self, day: Day) -> Stamp {
        Stamp::new(day, self.clock, self.writing)
    }

    /// The invoice of `cycles` cycles from the life's start.
    pub fn bill(&self, cycles: i64) -> Billed {
        let end = self.offer.cycle.after(self.start, cycles);
        let last = end - Duration::days(1);
        let last_minute = NaiveTime::from_hms_opt(23, 59, 59).expect("the time exists");
        let period_end = match self.ends {
            Ends::NextStart => Some(self.stamp(end)),
            Ends::LastDay => Some(Stamp::new(last, NaiveTime::MIN, self.writing)),
            Ends::LastMinute => Some(Stamp::new(last, last_minute, Writing::Local)),
            Ends::Missing => None,
            Ends::Placeholder => Some(self.stamp(day_of(9999, 12, 30))),
        };
        let issued_on = self.issued_after.map_or(end, |days| self.start + Duration::days(days));
        let draft = Draft {
            kind: "subscription",
            customer_id: self.customer_id.clone(),
            subscription_id: self.subscription_id.clone(),
            plan_id: Some(self.offer.id.clone()),
            currency: self.currency.clone(),
            invoice_date: self.stamp(if self.has_start { issued_on } else { self.start }),
            amount: self.offer.price * cycles - self.discount.unwrap_or(0).min(self.offer.price),
            discount: self.discount,
            period_start: self.has_start.then(|| self.stamp(self.start)),
            period_end,
            is_proration: false,
        };
        Billed { draft, start: self.start, end }
    }
}

/// Writes a life of some periods, with incidents in them and turns between them.
pub fn live(company: &Company, life: &mut Life, ledger: &mut Ledger, random: &mut Random) {
    for _ in 0..random.between(1, 5) {
        let cycles = if random.chance(12) { random.between(2, 4) } else { 1 };
        let mut billed = life.bill(cycles);
        bill(company, life, &mut billed, ledger, random);
        if random.chance(45) {
            incident(company, life, &billed, ledger, random);
        }
        life.start = billed.end;
        turn(company, life, random);
    }
}

/// Adds the invoices of one period.
fn bill(
    company: &Company,
    life: &Life,
    billed: &mut Billed,
    ledger: &mut Ledger,
    random: &mut Random,
) {
    let mut draft = billed.draft.clone();
    match random.between(0, 15) {
        // Instalments: several invoices with one period.
        0 | 1 => {
            let count = random.between(2, 4);
            draft.amount /= count;
            let gap = days_between(billed.start, billed.end) / count;
            for _ in 0..count {
                ledger.add(draft.clone(), random);
                draft.invoice_date = draft.invoice_date.plus(Duration::days(gap));
            }
        }
        // Another plan, or another licence, billed at the same instant.
        2 | 3 => {
            let other = random.pick(&company.offers).clone();
            let mut addition = Life { offer: other, ..life.clone() }.bill(1).draft;
            if random.chance(50) {
                addition.period_end = draft.period_end;
            }
            if random.chance(30) {
                addition.amount = 0;
            }
            ledger.add(draft, random);
            ledger.add(addition, random);
        }
        // A zero stub: a short free period, or a full free one.
        4 => {
            let days = days_between(billed.start, billed.end);
            let short = random.between(1, days.max(2));
            if random.chance(70) {
                draft.period_end = Some(life.stamp(billed.start + Duration::days(short)));
            }
            draft.amount = 0;
            draft.discount = None;
            ledger.add(draft, random);
            // The next period starts where the short one ends.
            if random.chance(50) {
                billed.end = billed.start + Duration::days(short);
            }
        }
        // A full-length proration.
        5 => {
            draft.is_proration = true;
            ledger.add(draft, random);
        }
        // A period that starts inside the one before.
        6 => {
            draft.period_start = Some(life.stamp(billed.start - Duration::days(9)));
            draft.invoice_date = draft.invoice_date.plus(Duration::days(-9));
            ledger.add(draft, random);
        }
        _ => ledger.add(draft, random),
    }
}

/// What changes between two periods.
fn turn(company: &Company, life: &mut Life, random: &mut Random) {
    match random.between(0, 19) {
        0 | 1 => life.offer.price += *random.pick(&[1_000, -500, 5_000]),
        2 => life.offer = random.pick(&company.offers).clone(),
        3 => life.currency = if life.currency == "USD" { "JPY" } else { "USD" }.to_owned(),
        // A hole, or an early renewal.
        4..=6 => life.start += Duration::days(*random.pick(&[1, 3, 5, 14, 15, 30, 31])),
        7 => life.start -= Duration::days(random.between(1, 10)),
        8 => life.ends = *random.pick(&[Ends::NextStart, Ends::LastDay, Ends::LastMinute]),
        9 => life.clock = clock(random),
        10 => life.writing = writing(random),
        _ => {}
    }
    life.offer.price = life.offer.price.max(0);
}
