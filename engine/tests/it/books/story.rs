//! The life of one subscription: renewals, and around each of them asides that hit the same days.

use serde_json::{Value, json};

use super::super::interpreter::calendar::{Cycle, Day};
use super::super::interpreter::moments::moment;
use super::super::interpreter::ratio::Ratio;
use super::Plan;
use super::chance::Chance;
use super::pen::Pen;

pub struct Story<'a> {
    pub chance: &'a mut Chance,
    pub pen: Pen,
    pub plans: &'a [Plan],
    pub customer_id: String,
    pub customers: Vec<String>,
    pub subscription_id: Option<String>,
    pub currency: String,
    pub grace_days: i64,
    /// Where the next renewal is due.
    pub due: Day,
    /// The plan of the next renewal, and its price for one cycle.
    pub plan: Plan,
    pub price: i64,
    /// A change has promised that price: the next renewal keeps it.
    pub has_promised: bool,
    /// The latest renewal.
    pub last: Period,
    pub invoices: Vec<Value>,
}

/// A renewal as it was written.
#[derive(Debug, Clone)]
pub struct Period {
    pub plan: Plan,
    pub start: Day,
    pub end: Day,
    pub cycles: i64,
    pub price: i64,
    pub amount: i64,
    pub start_text: String,
    pub end_text: String,
    pub issued_text: String,
}

impl<'a> Story<'a> {
    pub fn new(
        chance: &'a mut Chance,
        pen: Pen,
        plans: &'a [Plan],
        customer_id: &str,
        subscription_id: Option<String>,
        base: Day,
        grace_days: i64,
    ) -> Self {
        let plan = chance.pick(plans);
        let price = chance.pick(&[1000, 9900, 10_000, 4999, 1829, 12_345, 100, 7]);
        let due = base + chance.pick(&[0, 0, 0, 1, 5, 31]);
        let text = pen.date(chance, due);
        let (start_text, end_text, issued_text) = (text.clone(), text.clone(), text);
        let (start, end, cycles) = (due, plan.cycle.after(due, 1), 1);
        let last = Period {
            plan: plan.clone(),
            start,
            end,
            cycles,
            price,
            amount: price,
            start_text,
            end_text,
            issued_text,
        };
        let currency = plan.currency.clone();
        let (customer_id, customers, invoices) = (customer_id.to_string(), Vec::new(), Vec::new());
        Story {
            chance,
            pen,
            plans,
            customer_id,
            customers,
            subscription_id,
            currency,
            grace_days,
            due,
            plan,
            price,
            has_promised: false,
            last,
            invoices,
        }
    }

    pub fn write(&mut self, chapters_max: i64) {
        if self.chance.percent(12) {
            self.cancel();
        }
        for _ in 0..self.chance.between(1, chapters_max) {
            if self.chance.percent(22) {
                self.bill_alone();
            }
            if self.invoices.is_empty() || self.chance.percent(90) {
                self.renew();
            }
            if self.chance.percent(30) {
                self.promise();
                self.renew();
            }
            for _ in 0..self.chance.between(0, 3) {
                self.tell_aside();
            }
        }
        if self.chance.percent(20) {
            self.rewrite();
        }
    }

    /// The next regular invoice: on time, early, or after a hole around the grace.
    fn renew(&mut self) {
        let keeps_promise = self.has_promised && self.chance.percent(85);
        self.has_promised = false;
        if !keeps_promise && self.chance.percent(20) {
            self.plan = self.chance.pick(self.plans);
        }
        if !keeps_promise && self.chance.percent(15) {
            self.price += self.chance.pick(&[-500, 1, 250, 5000]).max(1 - self.price);
        }
        let start =
            self.due + if keeps_promise && self.chance.percent(60) { 0 } else { self.hole() };
        let cycles = if self.chance.percent(78) { 1 } else { self.chance.between(2, 4) };
        let jitter = if self.chance.percent(15) { self.chance.between(-4, 4) } else { 0 };
        let end = (self.plan.cycle.after(start, cycles) + jitter).max(start + 1);
        let issued = start + self.chance.pick(&[0, 0, 0, 0, 0, 0, -1, -5, 1, 3, end - start]);
        let amount = if self.chance.percent(5) { 0 } else { self.price * cycles };
        let start_text = self.pen.date(self.chance, start);
        let end_text = self.end_text(end, &start_text);
        let issued_text =
            if issued == start { start_text.clone() } else { self.pen.date(self.chance, issued) };
        let (plan, price) = (self.plan.clone(), self.price);
        self.last =
            Period { plan, start, end, cycles, price, amount, start_text, end_text, issued_text };
        self.due = end;
        let mut invoice = self.invoice_of_period(amount);
        self.forget_a_date(&mut invoice);
        self.push(invoice);
    }

    fn hole(&mut self) -> i64 {
        let cycle_days = self.plan.cycle.after(self.due, 1) - self.due;
        match self.chance.between(0, 99) {
            0..=59 => 0,
            60..=69 => self.chance.between(1, 4),
            70..=77 => self.grace_days + self.chance.between(-1, 1),
            78..=84 => cycle_days.min(40) + self.chance.between(-1, 1),
            85..=91 => -self.chance.between(1, 5),
            92..=95 => -cycle_days.min(20) / 2,
            _ => self.chance.between(50, 120),
        }
    }

    fn end_text(&mut self, end: Day, start_text: &str) -> String {
        if self.chance.percent(3) {
            return self.pen.soon_after(self.chance, start_text);
        }
        self.pen.end(self.chance, end)
    }

    /// A regular invoice over the latest period.
    pub fn invoice_of_period(&mut self, amount: i64) -> Value {
        let last = self.last.clone();
        let mut invoice = self.invoice("subscription", &last.issued_text, amount);
        invoice["plan_id"] = json!(last.plan.id);
        invoice["period_start"] = json!(last.start_text);
        invoice["period_end"] = json!(last.end_text);
        invoice
    }

    fn forget_a_date(&mut self, invoice: &mut Value) {
        let record = invoice.as_object_mut().expect("an invoice is an object");
        match self.chance.between(0, 29) {
            0 | 1 => drop(record.remove("period_end")),
            2 => drop(record.remove("period_start")),
            3 | 4 => {
                record.remove("period_start");
                record.remove("period_end");
            }
            _ => {}
        }
    }

    /// A proration with nothing under it, whose rate the next renewal often repeats.
    fn bill_alone(&mut self) {
        if !self.invoices.is_empty() && self.chance.percent(80) {
            self.due += self.chance.pick(&[95, 60, 40]);
        }
        let parts = if self.chance.percent(30) { 2 } else { 1 };
        let price = self.price;
        for part in 0..parts {
            let days = self.chance.pick(&[3, 7, 12, 12, 20, 29]);
            let (start, end) = (self.due, self.due + days);
            let cycle_days = end - self.plan.cycle.before(end);
            let exact = Ratio::new(i128::from(price * days), i128::from(cycle_days));
            let amount = self.off_by_a_bit(nearest(exact));
            self.push_proration(start, end, amount, self.plan.clone());
            if self.chance.percent(30) {
                self.due = end + self.chance.pick(&[1, self.grace_days, self.grace_days + 1]);
            } else if part + 1 < parts && self.chance.percent(50) {
                self.price += price;
            } else {
                self.due = end;
            }
            self.last =
                Period { start, end, amount, plan: self.plan.clone(), price, ..self.last.clone() };
        }
    }

    /// A proration with both dates.
    pub fn push_proration(&mut self, start: Day, end: Day, amount: i64, plan: Plan) {
        let start_text = self.pen.date(self.chance, start);
        let end_text = self.pen.end(self.chance, end);
        let issued_text = if self.chance.percent(70) {
            start_text.clone()
        } else {
            self.pen.date(self.chance, start + 2)
        };
        let mut invoice = self.invoice("subscription", &issued_text, amount);
        invoice["plan_id"] = json!(plan.id);
        invoice["proration"] = json!(true);
        invoice["period_start"] = json!(start_text);
        invoice["period_end"] = json!(end_text);
        self.push(invoice);
    }

    pub fn off_by_a_bit(&mut self, amount: i64) -> i64 {
        if self.chance.percent(85) { amount } else { amount + self.chance.pick(&[-1, 1, 2, -40]) }
    }

    pub fn invoice(&mut self, kind: &str, issued_text: &str, amount: i64) -> Value {
        let name = self.chance.pick(&["i", "i", "i", "I", "a", "z", "é", "\u{ff41}", "\u{1d456}"]);
        let id = format!("{name}{}-{}", self.invoices.len() + 8, self.id_suffix());
        let mut invoice = json!({
            "id": id, "customer_id": self.customer_id, "type": kind,
            "invoice_date": issued_text, "amount": amount, "currency": self.currency,
        });
        if let Some(subscription_id) = &self.subscription_id {
            invoice["subscription_id"] = json!(subscription_id);
        } else if self.chance.percent(10) {
            invoice["subscription_id"] = json!("");
        }
        if self.chance.percent(12) {
            let discount = self.chance.pick(&[1, 500, 1000, amount.abs()]);
            invoice["discount"] = json!(if self.chance.percent(8) { -discount } else { discount });
        }
        if self.chance.percent(5) {
            invoice["quantity"] = json!(self.chance.between(0, 9));
        }
        if self.chance.percent(3) {
            invoice["currency"] = json!(self.chance.pick(&["USD", "EUR", "JPY"]));
        }
        invoice
    }

    /// Ids are unique in the whole book.
    fn id_suffix(&self) -> String {
        let subscription_id = self.subscription_id.as_deref().unwrap_or("s");
        format!("{}{subscription_id}", self.customer_id)
    }

    /// Adds an invoice, with a period that ends after it starts.
    pub fn push(&mut self, mut invoice: Value) {
        let zone = self.pen.zone;
        let at = |field: &Value| field.as_str().map(|written| moment(written, zone).at);
        if let (Some(start), Some(end)) = (at(&invoice["period_start"]), at(&invoice["period_end"]))
            && end <= start
        {
            let start_text =
                invoice["period_start"].as_str().expect("it has just been read").to_string();
            invoice["period_end"] = json!(self.pen.soon_after(self.chance, &start_text));
        }
        self.invoices.push(invoice);
    }
}

pub fn nearest(exact: Ratio) -> i64 {
    i64::try_from(exact.nearest_whole()).expect("prices are small")
}

/// A price per cycle of one plan, per cycle of another.
pub fn converted(price: i64, from: Cycle, to: Cycle) -> i64 {
    nearest(Ratio::whole(i128::from(price)).times(to.months()).over(from.months()))
}
