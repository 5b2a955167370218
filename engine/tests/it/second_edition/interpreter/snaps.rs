//! Snap: the changes before a renewal meet its rate, without cent-noise (§4.10).

use super::changes::{Change, ChangeRate};
use super::untils::Live;

/// Reduces the last change before each renewal by the noise of rounding.
pub fn snap(changes: &mut [Change], live: &[Live]) {
    for next in live {
        let start = next.group.start;
        // The group that runs until this start, with the changes that reach its end.
        if let Some(index) = live.iter().position(|group| group.until.is_on(start)) {
            let reaching = |change: &Change| change.group == Some(index) && change.reaches;
            meet(changes, reaching, live[index].rate, next.rate);
        }
        // The changes alone that run until this start.
        let alone = |change: &Change| change.group.is_none() && change.until.is_on(start);
        meet(changes, alone, 0, next.rate);
    }
}

fn meet(changes: &mut [Change], chosen: impl Fn(&Change) -> bool, rate: i128, next_rate: i128) {
    let mut chosen: Vec<&mut Change> = changes.iter_mut().filter(|c| chosen(c)).collect();
    chosen.sort_by(|left, right| order(left).cmp(&order(right)));
    let measures: [fn(&Change) -> ChangeRate; 2] = [|c| c.by_times_of_day, |c| c.by_whole_days];
    for measure in measures {
        let rates: Vec<ChangeRate> = chosen.iter().map(|change| measure(change)).collect();
        let difference = rate + rates.iter().map(|r| r.rate).sum::<i128>() - next_rate;
        if difference.abs() <= rates.iter().map(|r| r.uncertainty).sum() {
            for (change, rate) in chosen.iter_mut().zip(&rates) {
                change.rate = rate.rate;
            }
            if let Some(last) = chosen.last_mut() {
                last.rate -= difference;
            }
            return;
        }
    }
}

fn order(change: &Change) -> (chrono::NaiveDate, i64, i64, &str) {
    let charge = &change.charge;
    let invoice = &charge.invoice;
    (charge.start, charge.start_at.instant, invoice.invoice_date.instant, &invoice.id)
}
