//! What happens around a renewal: add-ons, changes, cancellations, refunds, oddities and rewrites.

use serde_json::{Value, json};

use super::super::interpreter::calendar::Day;
use super::super::interpreter::moments::moment;
use super::super::interpreter::ratio::Ratio;
use super::Plan;
use super::story::{Story, converted, nearest};

impl Story<'_> {
    pub fn tell_aside(&mut self) {
        match self.chance.between(0, 19) {
            0 => self.add_on(),
            1 => self.bill_twice(),
            2 => self.start_again_same_day(),
            3..=6 => self.change(),
            7 => {
                self.change();
                self.change();
            }
            8 => self.swap(),
            9 => self.full_length_proration(),
            10..=13 => self.cancel(),
            14..=16 => self.refund(),
            17 => self.refund_in_parts(),
            18 => self.oddity(),
            _ => self.rewrite(),
        }
    }

    /// Another plan over the same period.
    fn add_on(&mut self) {
        let plan = self.chance.pick(self.plans);
        let amount = self.chance.pick(&[100, 1500, 2500]);
        let mut invoice = self.invoice_of_period(amount);
        invoice["plan_id"] = json!(plan.id);
        self.respell_start(&mut invoice);
        self.push(invoice);
        if self.chance.percent(30) {
            let day = self.chance.between(self.last.start, self.last.end - 1);
            self.refund_on(day, amount / 2, Some(plan));
        }
    }

    /// The same plan over the same period, under another id.
    fn bill_twice(&mut self) {
        let amount = self.last.amount + self.chance.pick(&[0, 100, 1]);
        let mut invoice = self.invoice_of_period(amount);
        self.respell_start(&mut invoice);
        if self.chance.percent(50) {
            let issued = self.last.start + self.chance.between(-2, 2);
            invoice["invoice_date"] = json!(self.pen.date(self.chance, issued));
        }
        self.push(invoice);
    }

    /// Another period that starts on the same day.
    fn start_again_same_day(&mut self) {
        let plan = self.chance.pick(self.plans);
        let (start, end) = (self.last.start, plan.cycle.after(self.last.start, 1));
        let amount = self.chance.pick(&[0, 3000, 8000]);
        let mut invoice = self.invoice_of_period(amount);
        invoice["plan_id"] = json!(plan.id);
        self.respell_start(&mut invoice);
        invoice["period_end"] = json!(self.pen.end(self.chance, end.max(start + 1)));
        if self.chance.percent(40) {
            self.due = end;
        }
        self.push(invoice);
    }

    fn respell_start(&mut self, invoice: &mut Value) {
        if self.chance.percent(40) {
            invoice["period_start"] = json!(self.pen.date(self.chance, self.last.start));
        }
    }

    /// A signed change of the running period; the next renewal often charges what it promised.
    fn change(&mut self) {
        let (start, end) = (self.change_start(), self.change_end());
        let end = if end <= start { start + self.chance.between(1, 15) } else { end };
        let plan = if self.chance.percent(80) {
            self.last.plan.clone()
        } else {
            self.chance.pick(self.plans)
        };
        let delta = self.chance.pick(&[5000, 5003, 1001, 701, 33, -501, -703, -33, -1]);
        let amount = self.prorated(delta, start, end, &plan);
        let amount = self.off_by_a_bit(amount);
        self.push_proration(start, end, amount, plan.clone());
        if self.chance.percent(70) {
            let promised = self.price + converted(delta, plan.cycle, self.plan.cycle);
            self.price = promised.max(0);
            self.has_promised = true;
        }
    }

    /// Changes of the running period that the next renewal will charge in full.
    pub fn promise(&mut self) {
        let (start, end) = (self.last.start, self.last.end);
        if end - start < 2 {
            return;
        }
        self.price = self.last.price;
        for _ in 0..self.chance.pick(&[1, 1, 1, 2, 3]) {
            // From the middle, half a minor unit of rounding is exactly the uncertainty of rule 10.
            let middle = end - (end - start) / 2;
            let from =
                if self.chance.percent(30) { middle } else { self.chance.between(start, end - 1) };
            let delta = self.chance.pick(&[5003, 1001, 701, 33, 9, -3]);
            let plan = self.last.plan.clone();
            let amount = self.prorated(delta, from, end, &plan);
            let amount = self.off_by_a_bit(amount);
            self.push_proration(from, end, amount, plan);
            self.price = (self.price + delta).max(0);
        }
        self.has_promised = true;
    }

    fn change_start(&mut self) -> Day {
        let (start, end) = (self.last.start, self.last.end);
        match self.chance.between(0, 9) {
            0 => start,
            1 => end - 1,
            2 => end + self.chance.between(0, 4),
            3 => start - self.chance.between(1, 4),
            _ => self.chance.between(start, end - 1),
        }
    }

    fn change_end(&mut self) -> Day {
        let (start, end) = (self.last.start, self.last.end);
        match self.chance.between(0, 9) {
            0 => self.chance.between(start + 1, end),
            1 => end - 1,
            2 => end + self.chance.between(1, 20),
            _ => end,
        }
    }

    /// What a change of `delta` per cycle is charged: the inverse of the factor of rule 8.
    fn prorated(&self, delta: i64, start: Day, end: Day, plan: &Plan) -> i64 {
        let (of, cycles) = if plan.cycle == self.last.plan.cycle {
            (self.last.end - self.last.start, self.last.cycles)
        } else {
            (end - plan.cycle.before(end), 1)
        };
        nearest(Ratio::new(i128::from(delta * (end - start) * cycles), i128::from(of)))
    }

    /// A credit for the old price and a charge for the new one, on one day.
    fn swap(&mut self) {
        let start = self.last.start + self.chance.pick(&[0, 0, 1, 9]);
        let end = self.last.end + self.chance.pick(&[0, 0, 0, 1, -1]);
        if end <= start {
            return;
        }
        let (old, new) = (self.last.plan.clone(), self.chance.pick(self.plans));
        let new = if self.chance.percent(60) { old.clone() } else { new };
        let price = self.last.price + self.chance.pick(&[2000, 100, 1]);
        let credit = -self.prorated(self.last.price, start, end, &old);
        let charge = self.prorated(price, start, end, &new);
        self.push_proration(start, end, credit, old);
        self.push_proration(start, end, charge, new.clone());
        (self.plan, self.price) = (new, price);
    }

    /// Contained in the period or not, on this plan or another.
    fn full_length_proration(&mut self) {
        let plan = if self.chance.percent(50) {
            self.last.plan.clone()
        } else {
            self.chance.pick(self.plans)
        };
        let start = self.last.start + self.chance.pick(&[0, 0, 1, 10]);
        let end = if self.chance.percent(30) { self.last.end } else { plan.cycle.after(start, 1) };
        if end <= start {
            return;
        }
        let amount = self.chance.pick(&[0, 1200, 4000, 4000, -1200]);
        self.push_proration(start, end, amount, plan.clone());
        if self.chance.percent(40) {
            (self.plan, self.due) = (plan, end.max(start));
        }
    }

    pub fn cancel(&mut self) {
        let (start, end) = (self.last.start, self.last.end);
        let middle = self.chance.between(start, end);
        let late = end + self.grace_days / 2 + 1;
        let day = self.chance.pick(&[
            start,
            start,
            start + 1,
            start - 1,
            middle,
            middle,
            end - 1,
            end,
            end + 1,
            late,
        ]);
        let issued_text = if self.chance.percent(15) {
            self.last.issued_text.clone()
        } else {
            self.pen.date(self.chance, day)
        };
        let amount = if self.chance.percent(5) { 100 } else { 0 };
        let mut invoice = self.invoice("cancellation", &issued_text, amount);
        self.forget_subscription(&mut invoice, 35);
        if self.chance.percent(25) {
            let period_end =
                self.chance.pick(&[start - 1, start, middle, middle, end, end + 5, end + 40]);
            invoice["period_end"] = json!(self.pen.end(self.chance, period_end));
        }
        if self.chance.percent(30) {
            self.due = self.chance.pick(&[day, day + 1, end, end + 1, end + 3]);
        }
        self.push(invoice);
    }

    fn refund(&mut self) {
        let (start, end) = (self.last.start, self.last.end);
        let day = match self.chance.between(0, 9) {
            0 => start,
            1 => end,
            2 => end - 1,
            3 => end + 3,
            4 => start - 2,
            _ => self.chance.between(start, end - 1),
        };
        let paid = self.last.amount;
        let amount = self.chance.pick(&[paid, paid, paid / 3, paid / 2, 100, 1, paid + 700]);
        let plan = if self.chance.percent(50) {
            self.last.plan.clone()
        } else {
            self.chance.pick(self.plans)
        };
        let plan = if self.chance.percent(40) { Some(plan) } else { None };
        self.refund_on(day, amount, plan);
    }

    fn refund_on(&mut self, day: Day, amount: i64, plan: Option<Plan>) {
        let issued_text = self.pen.date(self.chance, day);
        let amount = if self.chance.percent(30) { -amount } else { amount };
        let mut invoice = self.invoice("refund", &issued_text, amount);
        self.forget_subscription(&mut invoice, 45);
        if let Some(plan) = plan {
            invoice["plan_id"] = json!(plan.id);
        }
        if self.chance.percent(8) {
            invoice["currency"] = json!(self.chance.pick(&["USD", "EUR", "JPY"]));
        }
        self.push(invoice);
    }

    /// All that was paid, in parts whose roundings need not add up.
    fn refund_in_parts(&mut self) {
        let day = self.chance.between(self.last.start, self.last.end - 1);
        let parts = self.chance.between(2, 4);
        for part in 0..parts {
            let amount =
                self.last.amount / parts + if part == 0 { self.last.amount % parts } else { 0 };
            self.refund_on(day, amount, None);
        }
    }

    fn forget_subscription(&mut self, invoice: &mut Value, percent: i64) {
        if self.chance.percent(percent) {
            invoice.as_object_mut().expect("an invoice is an object").remove("subscription_id");
        }
    }

    /// Records without a line of their own.
    fn oddity(&mut self) {
        let amount = self.chance.between(0, 3) * 1000;
        let mut invoice = self.invoice_of_period(amount);
        match self.chance.between(0, 3) {
            0 => invoice["type"] = json!("one-time"),
            1 => invoice["plan_id"] = json!("nowhere"),
            2 => {
                let missing = self.chance.pick(&["period_start", "period_end"]);
                invoice["proration"] = json!(true);
                invoice.as_object_mut().expect("an invoice is an object").remove(missing);
            }
            _ => invoice["plan_id"] = json!(self.chance.pick(self.plans).id),
        }
        self.push(invoice);
    }

    /// A later version of an earlier invoice.
    pub fn rewrite(&mut self) {
        if self.invoices.is_empty() {
            return;
        }
        let mut version = self.invoices[self.chance.place(self.invoices.len())].clone();
        match self.chance.between(0, 6) {
            0 => version["customer_id"] = json!(self.chance.pick(&self.customers)),
            1 => {
                version["type"] =
                    json!(self.chance.pick(&["refund", "cancellation", "one-time", "subscription"]))
            }
            2 => version["subscription_id"] = json!(self.chance.pick(&["s1", "s10", "S2", ""])),
            3 => version["currency"] = json!(self.chance.pick(&["USD", "EUR", "JPY"])),
            4 => version["plan_id"] = json!(self.chance.pick(self.plans).id),
            5 => {
                let issued =
                    moment(version["invoice_date"].as_str().expect("it has a date"), self.pen.zone)
                        .day;
                let day = issued + self.chance.between(-3, 3);
                version["invoice_date"] = json!(self.pen.date(self.chance, day));
            }
            _ => version["amount"] = json!(version["amount"].as_i64().unwrap_or(0).abs() + 100),
        }
        self.make_valid(&mut version);
        self.push(version);
    }

    /// A subscription invoice needs a plan, and only a proration may be negative.
    fn make_valid(&mut self, version: &mut Value) {
        if version["type"] != json!("subscription") {
            return;
        }
        if !version["plan_id"].is_string() {
            version["plan_id"] = json!(self.chance.pick(self.plans).id);
        }
        if version["proration"] != json!(true) {
            version["amount"] = json!(version["amount"].as_i64().unwrap_or(0).abs());
        }
    }
}
