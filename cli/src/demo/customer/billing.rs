//! What a customer is billed: whole periods, the rest of one, money back, and records that bill no
//! time.

use chrono::NaiveDateTime;

use super::Customer;
use crate::demo::catalogue::{Plan, Tier};
use crate::demo::charge::{Charge, divided};
use crate::demo::invoice::{Invoice, Kind};

const COUPON_PERCENT_OFF: i64 = 20;

impl Customer {
    /// Bills the whole period.
    pub(super) fn bill(&self, invoices: &mut Vec<Invoice>) {
        let at = self.start.and_time(self.billed_at);
        let mut plans = vec![(self.plan, self.seats)];
        plans.extend(self.has_add_on.then_some((self.add_on(), 1)));
        for (plan, quantity) in plans {
            let charge = self.charge(plan, quantity);
            invoices.push(self.invoice(Kind::Subscription, plan, quantity, charge, at));
        }
    }

    pub(super) fn upgrade(&mut self, at: NaiveDateTime, invoices: &mut Vec<Invoice>) {
        if let Some(tier) = self.plan.tier.above() {
            invoices.push(self.proration(self.plan, self.seats, at).credited());
            self.plan.tier = tier;
            invoices.push(self.proration(self.plan, self.seats, at));
        }
    }

    /// What a whole period costs.
    fn charge(&self, plan: Plan, quantity: u32) -> Charge {
        Charge::new(
            plan.price() * i64::from(quantity),
            if self.coupon > 0 { COUPON_PERCENT_OFF } else { 0 },
        )
    }

    fn invoice(
        &self,
        kind: Kind,
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

    /// What the rest of the period costs.
    pub(super) fn proration(&self, plan: Plan, quantity: u32, at: NaiveDateTime) -> Invoice {
        let (left, whole) = ((self.end - at.date()).num_days(), (self.end - self.start).num_days());
        let charge = self.charge(plan, quantity).prorated(left, whole);
        self.invoice(Kind::Proration, plan, quantity, charge, at)
    }

    pub(super) fn cancellation(
        &self,
        at: NaiveDateTime,
        period_end: Option<NaiveDateTime>,
    ) -> Invoice {
        Invoice { plan: None, ..self.aside(Kind::Cancellation, 0, at, period_end) }
    }

    /// A twentieth to a fifth of the period's price.
    pub(super) fn refund(&mut self, at: NaiveDateTime) -> Invoice {
        let percent = i64::from(self.chance.u32(5..=20));
        let amount = divided(self.charge(self.plan, self.seats).amount * percent, 100);
        self.aside(Kind::Refund, amount, at, None)
    }

    pub(super) fn one_time(&mut self, at: NaiveDateTime) -> Invoice {
        let amount = i64::from(self.chance.u32(1..=8)) * 12_500;
        Invoice { subscription: None, plan: None, ..self.aside(Kind::OneTime, amount, at, None) }
    }

    /// A record that bills no time.
    fn aside(
        &self,
        kind: Kind,
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
