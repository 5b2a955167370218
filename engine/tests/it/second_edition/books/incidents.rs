//! What happens inside a billed period: prorations, refunds, credits, cancellations.

use chrono::Duration;

use super::company::Company;
use super::drafts::{Draft, Ledger};
use super::lives::{Billed, Ends, Life};
use super::random::Random;
use super::stamps::{Stamp, Writing, clock, writing};
use crate::second_edition::interpreter::calendar::{Cycle, Day, Interval, days_between};

/// Adds one incident to a billed period.
pub fn incident(
    company: &Company,
    life: &mut Life,
    billed: &Billed,
    ledger: &mut Ledger,
    random: &mut Random,
) {
    match random.between(0, 9) {
        0..=2 => upgrade(company, life, billed, ledger, random),
        3 => odd_proration(company, life, billed, ledger, random),
        4 | 5 => refund(billed, ledger, random),
        6 => credit_and_bill_again(life, billed, ledger, random),
        _ => cancel(life, billed, ledger, random),
    }
}

fn day_inside(billed: &Billed, random: &mut Random) -> Day {
    billed.start + Duration::days(random.between(0, days_between(billed.start, billed.end)))
}

/// The end of a proration that reaches the end of the period, as the billing system writes it.
fn end_stamp(life: &Life, billed: &Billed) -> Stamp {
    match (life.ends, billed.draft.period_end) {
        (Ends::Missing | Ends::Placeholder, _) | (_, None) => {
            Stamp::new(billed.end, life.clock, life.writing)
        }
        (_, Some(end)) => end,
    }
}

/// A dearer or cheaper price for the rest of the period: a credit and a charge, to the second or
/// by days, in cents. The next period is billed at the new price.
fn upgrade(
    company: &Company,
    life: &mut Life,
    billed: &Billed,
    ledger: &mut Ledger,
    random: &mut Random,
) {
    let day = day_inside(billed, random);
    let time = clock(random);
    let start = Stamp::new(day, time, if life.clock == time { life.writing } else { Writing::Utc });
    let end = end_stamp(life, billed);
    let old = life.offer.clone();
    let same_cycle: Vec<_> =
        company.offers.iter().filter(|offer| offer.cycle == old.cycle).cloned().collect();
    if random.chance(60) {
        life.offer = random.pick(&same_cycle).clone();
    }
    life.offer.price = *random.pick(&[old.price + 1_000, old.price * 2, old.price / 2]);
    let share = share_of_rest(billed, start, random.chance(50));
    let is_monthly = old.cycle == Cycle::new(Interval::Month, 1);
    if random.chance(if is_monthly { 20 } else { 60 }) {
        let from = random.between(1, 2_000);
        let rise = (from..from + 400).find(|rise| is_half_cent(*rise, share));
        life.offer.price = old.price + rise.unwrap_or(from);
    }
    let part = |price: i64| {
        let (rest, whole) = share;
        let doubled = 2 * i128::from(price) * rest + whole;
        i64::try_from(doubled.div_euclid(2 * whole)).expect("a part is not above the price")
    };
    let draft = Draft {
        invoice_date: start,
        period_start: Some(start),
        period_end: Some(end),
        is_proration: true,
        discount: None,
        ..billed.draft.clone()
    };
    let paid = (life.offer.price - life.discount.unwrap_or(0)).max(0);
    if random.chance(70) {
        // Some billing systems round otherwise, or err by a cent.
        let noise = *random.pick(&[0, 0, 0, 1, -1, 2]);
        let (credit, charge) = (-part(billed.draft.amount), part(paid) + noise);
        if random.chance(10) {
            ledger.add(Draft { amount: 0, ..draft.clone() }, random);
        }
        ledger.add(Draft { amount: credit, ..draft.clone() }, random);
        let plan_id = Some(life.offer.id.clone());
        ledger.add(Draft { amount: charge, plan_id, ..draft }, random);
    } else {
        let amount = part(paid - billed.draft.amount) + random.between(-1, 0);
        ledger.add(Draft { amount, ..draft }, random);
    }
}

/// The part of the rise ends on half a cent: rounded either way, it is as far off as it may be.
fn is_half_cent(rise: i64, (rest, whole): (i128, i128)) -> bool {
    (2 * i128::from(rise) * rest).rem_euclid(2 * whole) == whole
}

/// The rest of the period from `start`, and the whole period: in days or in seconds.
fn share_of_rest(billed: &Billed, start: Stamp, by_days: bool) -> (i128, i128) {
    let whole = days_between(billed.start, billed.end).max(1);
    if by_days {
        (days_between(start.wall.date(), billed.end).into(), whole.into())
    } else {
        let from = billed.start.and_time(billed.draft.invoice_date.wall.time());
        let passed = (start.wall - from).num_seconds();
        (i128::from(whole * 86_400 - passed), i128::from(whole) * 86_400)
    }
}

/// A proration of any amount, plan and dates.
fn odd_proration(
    company: &Company,
    life: &Life,
    billed: &Billed,
    ledger: &mut Ledger,
    random: &mut Random,
) {
    let start = Stamp::new(day_inside(billed, random), clock(random), writing(random));
    let end = match random.between(0, 3) {
        0 => Some(start.plus(Duration::days(random.between(1, 40)))),
        1 => Some(start.plus(Duration::minutes(random.between(1, 3_000)))),
        2 => (!random.chance(20)).then(|| Stamp::bare(billed.end - Duration::days(1))),
        _ => Some(end_stamp(life, billed)),
    };
    let mut draft = Draft {
        invoice_date: start,
        period_start: Some(start),
        period_end: end,
        is_proration: true,
        plan_id: Some(random.pick(&company.offers).id.clone()),
        amount: *random.pick(&[500, 0, -300, 2_581, 1]),
        ..billed.draft.clone()
    };
    if random.chance(20) {
        draft.subscription_id = None;
    }
    ledger.add(draft, random);
}

/// A refund of the period's invoice, or of part of it.
fn refund(billed: &Billed, ledger: &mut Ledger, random: &mut Random) {
    for _ in 0..random.between(1, 2) {
        let amount = billed.draft.amount;
        let shares = [amount, amount, -amount, amount / 3, amount / 2, 2 * amount, 100];
        ledger.add(refund_draft(billed, *random.pick(&shares), random), random);
    }
}

fn refund_draft(billed: &Billed, amount: i64, random: &mut Random) -> Draft {
    let day = day_inside(billed, random) + Duration::days(random.between(-3, 6));
    let has_period = random.chance(40);
    let dates = [billed.start, billed.start, day, billed.end];
    let start = Stamp::bare(*random.pick(&dates));
    Draft {
        kind: "refund",
        invoice_date: Stamp::new(day, clock(random), writing(random)),
        amount,
        plan_id: billed.draft.plan_id.clone().filter(|_| random.chance(60)),
        subscription_id: billed.draft.subscription_id.clone().filter(|_| random.chance(70)),
        period_start: has_period.then_some(start),
        period_end: has_period.then(|| start.plus(Duration::days(random.between(1, 31)))),
        discount: None,
        is_proration: false,
        ..billed.draft.clone()
    }
}

/// The invoice was wrong: a refund of all of it and a new invoice for the same period.
fn credit_and_bill_again(life: &Life, billed: &Billed, ledger: &mut Ledger, random: &mut Random) {
    let mut wrong = billed.draft.clone();
    for _ in 0..random.between(1, 2) {
        let refunded_at = wrong.invoice_date.plus(Duration::hours(random.between(0, 60)));
        let refund = refund_draft(billed, wrong.amount, random);
        ledger.add(Draft { invoice_date: refunded_at, ..refund }, random);
        let billed_at = refunded_at.plus(Duration::hours(random.between(-3, 30)));
        let amount = *random.pick(&[wrong.amount, wrong.amount + 1_000, 900]);
        wrong = Draft { invoice_date: billed_at, amount, ..wrong };
        if random.chance(10) {
            wrong.period_end = Some(end_stamp(life, billed));
        }
        ledger.add(wrong.clone(), random);
    }
}

/// A cancellation. Afterwards the life goes on as it was, on another day, or under another
/// subscription id.
fn cancel(life: &mut Life, billed: &Billed, ledger: &mut Ledger, random: &mut Random) {
    let day = day_inside(billed, random) + Duration::days(random.between(-2, 12));
    let after = billed.end + Duration::days(random.between(0, 95));
    let ends = [billed.end, billed.end, billed.end, day, after];
    let mut end = Stamp::new(*random.pick(&ends), life.clock, life.writing);
    if let (Ends::LastDay | Ends::LastMinute, true) = (life.ends, random.chance(60)) {
        end = billed.draft.period_end.unwrap_or(end);
    }
    let time = if random.chance(30) { life.clock } else { clock(random) };
    let invoice_date = Stamp::new(day, time, writing(random));
    ledger.add(
        Draft {
            kind: "cancellation",
            invoice_date,
            amount: 0,
            plan_id: None,
            subscription_id: life.subscription_id.clone().filter(|_| random.chance(75)),
            period_start: None,
            period_end: random.chance(50).then_some(end),
            discount: None,
            ..billed.draft.clone()
        },
        random,
    );
    if random.chance(25) {
        // A switch: the new subscription begins on the day of the cancellation.
        life.subscription_id = Some(format!("{}n", life.customer_id));
        let switch = Life { start: day, ..life.clone() };
        ledger.add(switch.bill(1).draft, random);
    }
}
