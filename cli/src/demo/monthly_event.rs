//! The events that a subscriber can have in a month, and their probabilities.

use fastrand::Rng;

use super::plan::Cadence;
use super::profile::CompanySize;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum MonthlyEvent {
    /// More seats from some day on: one proration.
    AddSeats,
    /// Fewer seats from some day on: one credit.
    GiveBackSeats,
    /// The next higher tier from some day on: a credit and a charge.
    Upgrade,
    /// The add-on from some day on: one proration.
    TakeAddOn,
    /// A part of the charge for the period is refunded.
    Refund,
    /// A one-time purchase.
    BuyOnce,
    /// The subscription ends on some day, before the end of its period.
    CancelNow,
    /// The subscription is cancelled for the end of its period.
    Cancel,
    /// No renewal, and no cancellation record.
    Lapse,
    /// The renewal is some days late; the new period begins then.
    RenewLate,
    /// Fewer seats from the renewal on.
    RenewFewerSeats,
    /// The next lower tier from the renewal on.
    Downgrade,
    /// A yearly cycle from the renewal on.
    PayYearly,
    /// The add-on is dropped from the renewal on.
    DropAddOn,
}

/// Cases of each event in ten thousand months.
const ANY_MONTH: [(MonthlyEvent, u32); 7] = [
    (MonthlyEvent::AddSeats, 300),
    (MonthlyEvent::GiveBackSeats, 40),
    (MonthlyEvent::Upgrade, 80),
    (MonthlyEvent::TakeAddOn, 60),
    (MonthlyEvent::Refund, 30),
    (MonthlyEvent::BuyOnce, 60),
    (MonthlyEvent::CancelNow, 25),
];

/// Cases of each event in ten thousand last months of a monthly period.
const LAST_MONTH: [(MonthlyEvent, u32); 7] = [
    (MonthlyEvent::Cancel, 200),
    (MonthlyEvent::Lapse, 100),
    (MonthlyEvent::RenewLate, 120),
    (MonthlyEvent::RenewFewerSeats, 60),
    (MonthlyEvent::Downgrade, 40),
    (MonthlyEvent::PayYearly, 50),
    (MonthlyEvent::DropAddOn, 60),
];

const CASES: u32 = 10_000;

/// Draws the event of a month, mostly none. The customer ignores an event that does not apply.
pub(super) fn draw(
    rng: &mut Rng,
    size: CompanySize,
    cadence: Cadence,
    is_last_month: bool,
) -> Option<MonthlyEvent> {
    let decisions = if is_last_month { decisions_at_end(cadence) } else { 0 };
    let last_month = LAST_MONTH.map(|(event, cases)| (event, cases * decisions));
    let mut left = rng.u32(..CASES);
    for (event, cases) in ANY_MONTH.into_iter().chain(last_month) {
        let cases =
            if event.is_cancellation() { cases * cancellation_percent(size) / 100 } else { cases };
        if left < cases {
            return Some(event);
        }
        left -= cases;
    }
    None
}

impl MonthlyEvent {
    fn is_cancellation(self) -> bool {
        matches!(self, MonthlyEvent::CancelNow | MonthlyEvent::Cancel | MonthlyEvent::Lapse)
    }
}

/// A longer period has fewer ends, so each end weighs more.
fn decisions_at_end(cadence: Cadence) -> u32 {
    match cadence {
        Cadence::Month => 1,
        Cadence::Quarter => 2,
        Cadence::Year => 6,
    }
}

/// Larger customers cancel less often.
fn cancellation_percent(size: CompanySize) -> u32 {
    match size {
        CompanySize::Few => 130,
        CompanySize::Dozens => 90,
        CompanySize::Hundred => 60,
        CompanySize::Hundreds => 40,
    }
}
