//! One customer's life: signs up, is billed, changes, leaves, comes back.

mod billing;

use chrono::{Days, Months, NaiveDate, NaiveTime};
use fastrand::Rng;

use super::catalogue::{Cadence, Plan, Tier};
use super::chance::{percent, pick};
use super::fate::{self, Fate};
use super::invoice::{Invoice, instant};
use super::profile::{Profile, Size};

const TRIAL_DAYS: u64 = 14;
const TRIALS_CONVERTED_PERCENT: u32 = 70;
const COUPONS_PERCENT: u32 = 20;
const RETURNS_PERCENT: u32 = 30;
/// Less than the default grace, so that a late renewal is no churn.
const LATE_DAYS_MAX: u64 = 10;
/// More than the default grace, so that a return is no late renewal.
const AWAY_DAYS_MIN: u64 = 20;
const AWAY_DAYS_MAX: u64 = 240;

/// What a customer does on the day it waits for.
#[derive(Debug, Clone, Copy)]
enum Step {
    /// Begins a subscription.
    Subscribe,
    /// A month is over, and maybe the period with it.
    TurnMonth,
    /// Pays some days after the period's end.
    RenewLate,
    /// Meets its fate.
    Meet(Fate),
    /// The paid time is over.
    Leave,
}

pub(super) struct Customer {
    number: u32,
    chance: Rng,
    size: Size,
    step: Step,
    /// How many subscriptions it has begun; the last one is the running one.
    subscription: u32,
    plan: Plan,
    seats: u32,
    has_add_on: bool,
    /// Periods with a discount that are left, the running one included.
    coupon: u32,
    /// Periods are counted in months from this day, so that the 31st stays one.
    anchor: NaiveDate,
    months: u32,
    start: NaiveDate,
    end: NaiveDate,
    billed_at: NaiveTime,
}

impl Customer {
    /// A new customer, and the day on which it begins to pay, if it does.
    pub(super) fn sign_up(profile: &Profile, mut chance: Rng) -> (Customer, Option<NaiveDate>) {
        let day = profile.created.date();
        let begins = match profile.has_trial {
            false => Some(day),
            true => {
                percent(&mut chance, TRIALS_CONVERTED_PERCENT).then(|| day + Days::new(TRIAL_DAYS))
            }
        };
        let cadence =
            pick(&mut chance, &[(Cadence::Month, 72), (Cadence::Quarter, 8), (Cadence::Year, 20)]);
        let coupon = percent(&mut chance, COUPONS_PERCENT);
        let customer = Customer {
            number: profile.number,
            size: profile.size,
            step: Step::Subscribe,
            subscription: 0,
            plan: Plan {
                tier: first_tier(profile.size, &mut chance),
                cadence,
                currency: profile.currency,
            },
            seats: first_seats(profile.size, &mut chance),
            has_add_on: false,
            coupon: if coupon { 3_u32.div_ceil(cadence.months()) } else { 0 },
            anchor: day,
            months: 0,
            start: day,
            end: day,
            billed_at: profile.created.time(),
            chance,
        };
        (customer, begins)
    }

    /// Does what was waited for; gives the next day to wait for, if there is one.
    pub(super) fn live(
        &mut self,
        day: NaiveDate,
        invoices: &mut Vec<Invoice>,
    ) -> Option<NaiveDate> {
        match self.step {
            Step::Subscribe => {
                self.subscription += 1;
                self.begin_period(day, 0);
                self.bill(invoices);
                self.look_ahead(day)
            }
            Step::RenewLate => {
                self.coupon = self.coupon.saturating_sub(1);
                self.begin_period(day, 0);
                self.bill(invoices);
                self.look_ahead(day)
            }
            Step::TurnMonth => {
                self.months += 1;
                if day == self.end {
                    self.coupon = self.coupon.saturating_sub(1);
                    self.begin_period(self.anchor, self.months);
                    self.bill(invoices);
                }
                self.look_ahead(day)
            }
            Step::Meet(fate) => self.meet(fate, day, invoices),
            Step::Leave => self.leave(day),
        }
    }

    fn begin_period(&mut self, anchor: NaiveDate, months: u32) {
        (self.anchor, self.months) = (anchor, months);
        self.start = anchor + Months::new(months);
        self.end = anchor + Months::new(months + self.plan.cadence.months());
    }

    /// Decides what the month from this day on brings, and waits for it.
    fn look_ahead(&mut self, day: NaiveDate) -> Option<NaiveDate> {
        let month_end = self.month_end();
        let drawn =
            fate::draw(&mut self.chance, self.size, self.plan.cadence, month_end == self.end);
        match drawn {
            Some(Fate::Lapse) => self.wait_for(Step::Leave, self.end),
            Some(Fate::RenewLate) => {
                let late = Days::new(self.chance.u64(1..=LATE_DAYS_MAX));
                self.wait_for(Step::RenewLate, self.end + late)
            }
            Some(
                fate
                @ (Fate::RenewFewerSeats | Fate::Downgrade | Fate::PayYearly | Fate::DropAddOn),
            ) => {
                self.change_terms(fate);
                self.wait_for(Step::TurnMonth, month_end)
            }
            Some(fate) => {
                let days_between = (month_end - day).num_days().unsigned_abs() - 1;
                let later = Days::new(self.chance.u64(1..=days_between));
                self.wait_for(Step::Meet(fate), day + later)
            }
            None => self.wait_for(Step::TurnMonth, month_end),
        }
    }

    /// What is different from the renewal on.
    fn change_terms(&mut self, fate: Fate) {
        match fate {
            Fate::RenewFewerSeats => self.seats -= self.some_seats().min(self.seats - 1),
            Fate::Downgrade => self.plan.tier = self.plan.tier.below().unwrap_or(self.plan.tier),
            Fate::PayYearly => self.plan.cadence = Cadence::Year,
            _ => self.has_add_on = false,
        }
    }

    /// What happens on some day of the month.
    fn meet(
        &mut self,
        fate: Fate,
        day: NaiveDate,
        invoices: &mut Vec<Invoice>,
    ) -> Option<NaiveDate> {
        let at = instant(day, &mut self.chance);
        match fate {
            Fate::Cancel => {
                invoices.push(self.cancellation(at, None));
                return self.wait_for(Step::Leave, self.end);
            }
            Fate::CancelNow => {
                invoices.push(self.cancellation(at, Some(at)));
                return self.leave(day);
            }
            Fate::AddSeats => {
                let more = self.some_seats();
                invoices.push(self.proration(self.plan, more, at));
                self.seats += more;
            }
            Fate::GiveBackSeats if self.seats > 1 => {
                let fewer = self.some_seats().min(self.seats - 1);
                invoices.push(self.proration(self.plan, fewer, at).credited());
                self.seats -= fewer;
            }
            Fate::Upgrade => self.upgrade(at, invoices),
            Fate::TakeAddOn if !self.has_add_on => {
                invoices.push(self.proration(self.add_on(), 1, at));
                self.has_add_on = true;
            }
            Fate::Refund => invoices.push(self.refund(at)),
            Fate::BuyOnce => invoices.push(self.one_time(at)),
            _ => {}
        }
        let month_end = self.month_end();
        self.wait_for(Step::TurnMonth, month_end)
    }

    /// Some who leave come back, with a subscription of its own.
    fn leave(&mut self, day: NaiveDate) -> Option<NaiveDate> {
        if !percent(&mut self.chance, RETURNS_PERCENT) {
            return None;
        }
        (self.coupon, self.has_add_on) = (0, false);
        let away = Days::new(self.chance.u64(AWAY_DAYS_MIN..=AWAY_DAYS_MAX));
        self.wait_for(Step::Subscribe, day + away)
    }

    fn wait_for(&mut self, step: Step, day: NaiveDate) -> Option<NaiveDate> {
        self.step = step;
        Some(day)
    }

    fn month_end(&self) -> NaiveDate {
        self.anchor + Months::new(self.months + 1)
    }

    fn some_seats(&mut self) -> u32 {
        1 + self.chance.u32(..=self.seats / 4)
    }
}

fn first_tier(size: Size, chance: &mut Rng) -> Tier {
    let (starter, team, business) = match size {
        Size::Few => (70, 26, 4),
        Size::Dozens => (35, 50, 15),
        Size::Hundred => (10, 50, 40),
        Size::Hundreds => (0, 30, 70),
    };
    pick(chance, &[(Tier::Starter, starter), (Tier::Team, team), (Tier::Business, business)])
}

fn first_seats(size: Size, chance: &mut Rng) -> u32 {
    match size {
        Size::Few => chance.u32(1..=6),
        Size::Dozens => chance.u32(3..=20),
        Size::Hundred => chance.u32(10..=60),
        Size::Hundreds => chance.u32(40..=200),
    }
}
