//! What can happen to a subscriber in a month, and how often.

use fastrand::Rng;

use super::catalogue::Cadence;
use super::profile::Size;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    /// Seats more from some day on: one proration.
    AddSeats,
    /// Seats fewer from some day on: one credit.
    GiveBackSeats,
    /// The tier above from some day on: a credit and a charge.
    Upgrade,
    /// The add-on from some day on: one proration.
    TakeAddOn,
    /// Some of the period's price is given back.
    Refund,
    /// Something is bought once.
    BuyOnce,
    /// The subscription ends on some day, before its period does.
    CancelNow,
    /// The subscription is cancelled for the period's end.
    Cancel,
    /// No renewal comes, and no word.
    Lapse,
    /// The renewal comes some days late; the period begins then.
    RenewLate,
    /// Seats fewer from the renewal on.
    RenewFewerSeats,
    /// The tier below from the renewal on.
    Downgrade,
    /// The year instead of the month or quarter from the renewal on.
    PayYearly,
    /// No add-on from the renewal on.
    DropAddOn,
}

/// Cases of each fate in ten thousand months.
const ANY_MONTH: [(Fate, u32); 7] = [
    (Fate::AddSeats, 300),
    (Fate::GiveBackSeats, 40),
    (Fate::Upgrade, 80),
    (Fate::TakeAddOn, 60),
    (Fate::Refund, 30),
    (Fate::BuyOnce, 60),
    (Fate::CancelNow, 25),
];

/// The same in the last month of a monthly period.
const LAST_MONTH: [(Fate, u32); 7] = [
    (Fate::Cancel, 200),
    (Fate::Lapse, 100),
    (Fate::RenewLate, 120),
    (Fate::RenewFewerSeats, 60),
    (Fate::Downgrade, 40),
    (Fate::PayYearly, 50),
    (Fate::DropAddOn, 60),
];

const CASES: u32 = 10_000;

/// What happens in a month, mostly nothing; what turns out not to be possible does not happen.
pub(super) fn draw(
    chance: &mut Rng,
    size: Size,
    cadence: Cadence,
    is_last_month: bool,
) -> Option<Fate> {
    let decisions = if is_last_month { decisions_at_end(cadence) } else { 0 };
    let last_month = LAST_MONTH.map(|(fate, cases)| (fate, cases * decisions));
    let mut left = chance.u32(..CASES);
    for (fate, cases) in ANY_MONTH.into_iter().chain(last_month) {
        let cases = if fate.is_leaving() { cases * leaving_percent(size) / 100 } else { cases };
        if left < cases {
            return Some(fate);
        }
        left -= cases;
    }
    None
}

impl Fate {
    fn is_leaving(self) -> bool {
        matches!(self, Fate::CancelNow | Fate::Cancel | Fate::Lapse)
    }
}

/// Who pays for longer decides less often, but more is decided at once.
fn decisions_at_end(cadence: Cadence) -> u32 {
    match cadence {
        Cadence::Month => 1,
        Cadence::Quarter => 2,
        Cadence::Year => 6,
    }
}

/// The larger stay longer.
fn leaving_percent(size: Size) -> u32 {
    match size {
        Size::Few => 130,
        Size::Dozens => 90,
        Size::Hundred => 60,
        Size::Hundreds => 40,
    }
}
