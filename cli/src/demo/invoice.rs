//! One invoice, cancellation or refund, and its line of JSON.

use std::io::{Result, Write};

use chrono::{Datelike, NaiveDate, NaiveDateTime, NaiveTime, Timelike};
use fastrand::Rng;

use super::charge::Charge;
use super::plan::{Currency, Plan};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum InvoiceKind {
    Subscription,
    Proration,
    OneTime,
    Refund,
    Cancellation,
}

#[derive(Debug, Clone)]
pub(super) struct Invoice {
    pub(super) customer: u32,
    /// The number of the subscription of the customer; none for a one-time purchase.
    pub(super) subscription: Option<u32>,
    pub(super) kind: InvoiceKind,
    pub(super) at: NaiveDateTime,
    pub(super) charge: Charge,
    pub(super) currency: Currency,
    pub(super) plan: Option<Plan>,
    pub(super) period_start: Option<NaiveDateTime>,
    pub(super) period_end: Option<NaiveDateTime>,
    pub(super) quantity: Option<u32>,
}

impl Invoice {
    /// The second of its day.
    pub(super) fn second_of_day(&self) -> u32 {
        self.at.num_seconds_from_midnight()
    }

    /// The same invoice as a credit.
    pub(super) fn into_credit(self) -> Invoice {
        Invoice { charge: self.charge.to_credit(), ..self }
    }

    /// Writes the record with this number in its id.
    pub(super) fn write(&self, id: u64, out: &mut impl Write) -> Result<()> {
        let customer = self.customer + 1;
        let name = self.kind.name();
        write!(
            out,
            "{{\"id\":\"in_{id:09}\",\"customer_id\":\"cus_{customer:07}\",\"type\":\"{name}\",\
             \"invoice_date\":"
        )?;
        write_instant(self.at, out)?;
        write!(out, r#","amount":{},"currency":"{}""#, self.charge.amount, self.currency)?;
        if let Some(plan) = self.plan {
            write!(out, r#","plan_id":"{plan}""#)?;
        }
        if let Some(subscription) = self.subscription {
            write!(out, r#","subscription_id":"sub_{customer:07}_{subscription}""#)?;
        }
        for (field, at) in [("period_start", self.period_start), ("period_end", self.period_end)] {
            if let Some(at) = at {
                write!(out, r#","{field}":"#)?;
                write_instant(at, out)?;
            }
        }
        if self.kind == InvoiceKind::Proration {
            out.write_all(br#","proration":true"#)?;
        }
        if let Some(quantity) = self.quantity {
            write!(out, r#","quantity":{quantity}"#)?;
        }
        if self.charge.discount != 0 {
            write!(out, r#","discount":{}"#, self.charge.discount)?;
        }
        out.write_all(b"}")
    }
}

impl InvoiceKind {
    fn name(self) -> &'static str {
        match self {
            InvoiceKind::Subscription | InvoiceKind::Proration => "subscription",
            InvoiceKind::OneTime => "one-time",
            InvoiceKind::Refund => "refund",
            InvoiceKind::Cancellation => "cancellation",
        }
    }
}

/// A random time of a working day. The last minute of an hour is left out: an end at 23:59 in a
/// time zone would count as the end of that day.
pub(super) fn instant(day: NaiveDate, rng: &mut Rng) -> NaiveDateTime {
    let (hour, minute, second) = (rng.u32(6..20), rng.u32(..59), rng.u32(..60));
    day.and_time(NaiveTime::from_hms_opt(hour, minute, second).unwrap_or_default())
}

/// Writes an instant in quotes, with a year of four digits.
fn write_instant(at: NaiveDateTime, out: &mut impl Write) -> Result<()> {
    let mut text = *br#""0000-00-00T00:00:00Z""#;
    let year = at.year().unsigned_abs();
    let parts = [year / 100, year % 100, at.month(), at.day(), at.hour(), at.minute(), at.second()];
    for (place, part) in [1, 3, 6, 9, 12, 15, 18].into_iter().zip(parts) {
        text[place] = b'0' + (part / 10) as u8;
        text[place + 1] = b'0' + (part % 10) as u8;
    }
    out.write_all(&text)
}
