//! The life of one customer: it signs up, is billed, changes, cancels, and may return.

mod billing;

use chrono::{Days, Months, NaiveDate, NaiveTime};
use fastrand::Rng;

use super::invoice::{Invoice, instant};
use super::monthly_event::{self, MonthlyEvent};
use super::plan::{Cadence, Plan, Tier};
use super::profile::{CompanySize, Profile};
use super::random_choice::{percent, pick};

const TRIAL_DAYS: u64 = 14;
const TRIALS_CONVERTED_PERCENT: u32 = 70;
const COUPONS_PERCENT: u32 = 20;
const RETURNS_PERCENT: u32 = 30;
/// Less than the default grace period, so that a late renewal is no churn.
const LATE_DAYS_MAX: u64 = 10;
/// More than the default grace period, so that a return is no late renewal.
const AWAY_DAYS_MIN: u64 = 20;
const AWAY_DAYS_MAX: u64 = 240;

/// The action of a customer on its next day.
#[derive(Debug, Clone, Copy)]
enum Step {
    /// Starts a subscription.
    Subscribe,
    /// A month ends, and perhaps the period.
    EndMonth,
    /// Renews some days after the end of the period.
    RenewLate,
    /// Has an event.
    Event(MonthlyEvent),
    /// The paid time ends.
    Leave,
}

pub(super) struct Customer {
    number: u32,
    rng: Rng,
    size: CompanySize,
    step: Step,
    /// Number of subscriptions so far; the last one is current.
    subscription: u32,
    plan: Plan,
    seats: u32,
    has_add_on: bool,
    /// Remaining periods with a discount, including the current one.
    coupon: u32,
    /// Periods are counted in months from this day, so that the 31st stays the 31st.
    anchor: NaiveDate,
    months: u32,
    start: NaiveDate,
    end: NaiveDate,
    billed_at: NaiveTime,
}

impl Customer {
    /// A new customer, and the day of its first subscription, if it ever subscribes.
    pub(super) fn sign_up(profile: &Profile, mut rng: Rng) -> (Customer, Option<NaiveDate>) {
        let day = profile.created.date();
        let starts = match profile.has_trial {
            false => Some(day),
            true => {
                percent(&mut rng, TRIALS_CONVERTED_PERCENT).then(|| day + Days::new(TRIAL_DAYS))
            }
        };
        let cadence =
            pick(&mut rng, &[(Cadence::Month, 72), (Cadence::Quarter, 8), (Cadence::Year, 20)]);
        let coupon = percent(&mut rng, COUPONS_PERCENT);
        let customer = Customer {
            number: profile.number,
            size: profile.size,
            step: Step::Subscribe,
            subscription: 0,
            plan: Plan {
                tier: first_tier(profile.size, &mut rng),
                cadence,
                currency: profile.currency,
            },
            seats: first_seats(profile.size, &mut rng),
            has_add_on: false,
            coupon: if coupon { 3_u32.div_ceil(cadence.months()) } else { 0 },
            anchor: day,
            months: 0,
            start: day,
            end: day,
            billed_at: profile.created.time(),
            rng,
        };
        (customer, starts)
    }

    /// Performs the action of this day. Returns the next day with an action.
    pub(super) fn act(&mut self, day: NaiveDate, invoices: &mut Vec<Invoice>) -> Option<NaiveDate> {
        match self.step {
            Step::Subscribe => {
                self.subscription += 1;
                self.begin_period(day, 0);
                self.bill(invoices);
                self.plan_month(day)
            }
            Step::RenewLate => {
                self.coupon = self.coupon.saturating_sub(1);
                self.begin_period(day, 0);
                self.bill(invoices);
                self.plan_month(day)
            }
            Step::EndMonth => {
                self.months += 1;
                if day == self.end {
                    self.coupon = self.coupon.saturating_sub(1);
                    self.begin_period(self.anchor, self.months);
                    self.bill(invoices);
                }
                self.plan_month(day)
            }
            Step::Event(event) => self.perform(event, day, invoices),
            Step::Leave => self.leave(day),
        }
    }

    fn begin_period(&mut self, anchor: NaiveDate, months: u32) {
        (self.anchor, self.months) = (anchor, months);
        self.start = anchor + Months::new(months);
        self.end = anchor + Months::new(months + self.plan.cadence.months());
    }

    /// Draws the event of the month that starts on this day, and schedules it.
    fn plan_month(&mut self, day: NaiveDate) -> Option<NaiveDate> {
        let month_end = self.month_end();
        let drawn =
            monthly_event::draw(&mut self.rng, self.size, self.plan.cadence, month_end == self.end);
        match drawn {
            Some(MonthlyEvent::Lapse) => self.schedule(Step::Leave, self.end),
            Some(MonthlyEvent::RenewLate) => {
                let late = Days::new(self.rng.u64(1..=LATE_DAYS_MAX));
                self.schedule(Step::RenewLate, self.end + late)
            }
            Some(
                event @ (MonthlyEvent::RenewFewerSeats
                | MonthlyEvent::Downgrade
                | MonthlyEvent::PayYearly
                | MonthlyEvent::DropAddOn),
            ) => {
                self.change_terms(event);
                self.schedule(Step::EndMonth, month_end)
            }
            Some(event) => {
                let days_between = (month_end - day).num_days().unsigned_abs() - 1;
                let later = Days::new(self.rng.u64(1..=days_between));
                self.schedule(Step::Event(event), day + later)
            }
            None => self.schedule(Step::EndMonth, month_end),
        }
    }

    /// Changes the terms from the renewal on.
    fn change_terms(&mut self, event: MonthlyEvent) {
        match event {
            MonthlyEvent::RenewFewerSeats => {
                self.seats -= self.seats_to_change().min(self.seats - 1)
            }
            MonthlyEvent::Downgrade => {
                self.plan.tier = self.plan.tier.below().unwrap_or(self.plan.tier)
            }
            MonthlyEvent::PayYearly => self.plan.cadence = Cadence::Year,
            _ => self.has_add_on = false,
        }
    }

    /// Performs an event on some day of the month.
    fn perform(
        &mut self,
        event: MonthlyEvent,
        day: NaiveDate,
        invoices: &mut Vec<Invoice>,
    ) -> Option<NaiveDate> {
        let at = instant(day, &mut self.rng);
        match event {
            MonthlyEvent::Cancel => {
                invoices.push(self.cancellation(at, None));
                return self.schedule(Step::Leave, self.end);
            }
            MonthlyEvent::CancelNow => {
                invoices.push(self.cancellation(at, Some(at)));
                return self.leave(day);
            }
            MonthlyEvent::AddSeats => {
                let more = self.seats_to_change();
                invoices.push(self.proration(self.plan, more, at));
                self.seats += more;
            }
            MonthlyEvent::GiveBackSeats if self.seats > 1 => {
                let fewer = self.seats_to_change().min(self.seats - 1);
                invoices.push(self.proration(self.plan, fewer, at).into_credit());
                self.seats -= fewer;
            }
            MonthlyEvent::Upgrade => self.upgrade(at, invoices),
            MonthlyEvent::TakeAddOn if !self.has_add_on => {
                invoices.push(self.proration(self.add_on(), 1, at));
                self.has_add_on = true;
            }
            MonthlyEvent::Refund => invoices.push(self.refund(at)),
            MonthlyEvent::BuyOnce => invoices.push(self.one_time(at)),
            _ => {}
        }
        let month_end = self.month_end();
        self.schedule(Step::EndMonth, month_end)
    }

    /// Ends the subscription. Some customers return with a new one.
    fn leave(&mut self, day: NaiveDate) -> Option<NaiveDate> {
        if !percent(&mut self.rng, RETURNS_PERCENT) {
            return None;
        }
        (self.coupon, self.has_add_on) = (0, false);
        let away = Days::new(self.rng.u64(AWAY_DAYS_MIN..=AWAY_DAYS_MAX));
        self.schedule(Step::Subscribe, day + away)
    }

    fn schedule(&mut self, step: Step, day: NaiveDate) -> Option<NaiveDate> {
        self.step = step;
        Some(day)
    }

    fn month_end(&self) -> NaiveDate {
        self.anchor + Months::new(self.months + 1)
    }

    fn seats_to_change(&mut self) -> u32 {
        1 + self.rng.u32(..=self.seats / 4)
    }
}

fn first_tier(size: CompanySize, rng: &mut Rng) -> Tier {
    let (starter, team, business) = match size {
        CompanySize::Few => (70, 26, 4),
        CompanySize::Dozens => (35, 50, 15),
        CompanySize::Hundred => (10, 50, 40),
        CompanySize::Hundreds => (0, 30, 70),
    };
    pick(rng, &[(Tier::Starter, starter), (Tier::Team, team), (Tier::Business, business)])
}

fn first_seats(size: CompanySize, rng: &mut Rng) -> u32 {
    match size {
        CompanySize::Few => rng.u32(1..=6),
        CompanySize::Dozens => rng.u32(3..=20),
        CompanySize::Hundred => rng.u32(10..=60),
        CompanySize::Hundreds => rng.u32(40..=200),
    }
}
