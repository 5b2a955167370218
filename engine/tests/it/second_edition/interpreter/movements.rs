//! Movements of one customer (§5.1, §5.2).

use std::collections::{BTreeMap, BTreeSet};

use super::calendar::Day;
use super::lines::{Line, mrr_on};

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum MovementType {
    New,
    Reactivation,
    Churn,
    Expansion,
    Contraction,
}

impl MovementType {
    pub fn name(self) -> &'static str {
        match self {
            MovementType::New => "new",
            MovementType::Reactivation => "reactivation",
            MovementType::Churn => "churn",
            MovementType::Expansion => "expansion",
            MovementType::Contraction => "contraction",
        }
    }
}

/// One row: a signed change of one customer's MRR in one currency on one day.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Movement {
    pub date: Day,
    pub data_source: String,
    pub customer_id: String,
    pub currency: String,
    pub movement_type: MovementType,
    /// In 0.0001 of the minor unit.
    pub mrr_change: i128,
    /// The customer's MRR in this currency at the close of the day.
    pub mrr_after: i128,
}

/// The movements of one customer, by day and currency.
pub fn movements(data_source: &str, customer_id: &str, lines: &[Line]) -> Vec<Movement> {
    let starts = lines.iter().map(|line| line.from);
    let ends = lines.iter().filter_map(|line| line.until.day);
    let days: BTreeSet<Day> = starts.chain(ends).collect();
    let mut movements = Vec::new();
    let mut had_mrr = false;
    let mut previous = BTreeMap::new();
    for day in days {
        let current = mrr_on(day, lines);
        let (before, after) = (!previous.is_empty(), !current.is_empty());
        let currencies: BTreeSet<String> = previous.keys().chain(current.keys()).cloned().collect();
        for currency in currencies {
            let mrr = |of: &BTreeMap<String, i128>| of.get(&currency).copied().unwrap_or(0);
            let (mrr_after, mrr_change) = (mrr(&current), mrr(&current) - mrr(&previous));
            if mrr_change == 0 {
                continue;
            }
            let movement_type = match (before, after) {
                (false, _) if !had_mrr => MovementType::New,
                (false, _) => MovementType::Reactivation,
                (true, false) => MovementType::Churn,
                (true, true) if mrr_change > 0 => MovementType::Expansion,
                (true, true) => MovementType::Contraction,
            };
            movements.push(Movement {
                date: day,
                data_source: data_source.to_owned(),
                customer_id: customer_id.to_owned(),
                currency,
                movement_type,
                mrr_change,
                mrr_after,
            });
        }
        had_mrr = had_mrr || after;
        previous = current;
    }
    movements
}
