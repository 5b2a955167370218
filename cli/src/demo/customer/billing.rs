//! The invoices of a customer: whole periods, prorations, credits, and records without a period.

use chrono::NaiveDateTime;

use super::Customer;
use crate::demo::charge::{Charge, divide_rounded};
use crate::demo::invoice::{Invoice, InvoiceKind};
use crate::demo::plan::{Plan, Tier};

const COUPON_PERCENT_OFF: i64 = 20;

impl Customer {
    /// Bills the whole period.
    pub(super) fn bill(&self, invoices: &mut Vec<Invoice>) {
        let at = self.start.and_time(self.billed_at);
        let mut plans = vec![(self.plan, self.seats)];
        plans.extend(self.has_add_on.then_some((self.add_on(), 1)));
        for (plan, quantity) in plans {
            let charge = self.charge(plan, quantity);
            invoices.push(self.invoice(InvoiceKind::Subscription, plan, quantity, charge, at));
        }
    }

    pub(super) fn upgrade(&mut self, at: NaiveDateTime, invoices: &mut Vec<Invoice>) {
        if let Some(tier) = self.plan.tier.above() {
            invoices.push(self.proration(self.plan, self.seats, at).into_credit());
            self.plan.tier = tier;
            invoices.push(self.proration(self.plan, self.seats, at));
        }
    }

    /// The charge for a whole period.
    fn charge(&self, plan: Plan, quantity: u32) -> Charge {
        Charge::new(
            plan.price() * i64::from(quantity),
            if self.coupon > 0 { COUPON_PERCENT_OFF } else { 0 },
        )
    }

    fn invoice(
        &self,
        kind: InvoiceKind,
        plan: Plan,
        quantity: u32,
        charge: Charge,
        at: NaiveDateTime,
    ) -> Invoice {
        Invoice {
            customer: self.number,
            subscription: Some(self.subscription),
            kind,
            at,
            charge,
            currency: plan.currency,
            plan: Some(plan),
            period_start: Some(at),
            period_end: Some(self.end.and_time(self.billed_at)),
            quantity: Some(quantity),
        }
    }

    /// The invoice for the rest of the period.
    pub(super) fn proration(&self, plan: Plan, quantity: u32, at: NaiveDateTime) -> Invoice {
        let (left, whole) = ((self.end - at.date()).num_days(), (self.end - self.start).num_days());
        let charge = self.charge(plan, quantity).prorated(left, whole);
        self.invoice(InvoiceKind::Proration, plan, quantity, charge, at)
    }

    pub(super) fn cancellation(
        &self,
        at: NaiveDateTime,
        period_end: Option<NaiveDateTime>,
    ) -> Invoice {
        Invoice { plan: None, ..self.without_period(InvoiceKind::Cancellation, 0, at, period_end) }
    }

    /// A refund of 5 to 20 percent of the charge for the period.
    pub(super) fn refund(&mut self, at: NaiveDateTime) -> Invoice {
        let percent = i64::from(self.rng.u32(5..=20));
        let amount = divide_rounded(self.charge(self.plan, self.seats).amount * percent, 100);
        self.without_period(InvoiceKind::Refund, amount, at, None)
    }

    pub(super) fn one_time(&mut self, at: NaiveDateTime) -> Invoice {
        let amount = i64::from(self.rng.u32(1..=8)) * 12_500;
        Invoice {
            subscription: None,
            plan: None,
            ..self.without_period(InvoiceKind::OneTime, amount, at, None)
        }
    }

    /// A record without a period.
    fn without_period(
        &self,
        kind: InvoiceKind,
        amount: i64,
        at: NaiveDateTime,
        period_end: Option<NaiveDateTime>,
    ) -> Invoice {
        let charge = Charge { amount, discount: 0 };
        let invoice = self.invoice(kind, self.plan, 0, charge, at);
        Invoice { period_start: None, period_end, quantity: None, ..invoice }
    }

    pub(super) fn add_on(&self) -> Plan {
        Plan { tier: Tier::Insights, ..self.plan }
    }
}
