//! `least_before`: the least of the values before a row that are dated before a day. A window
//! function, because a join would compare every row with every other.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Date32Array};
use arrow::datatypes::{DataType, Date32Type, Field, FieldRef};
use datafusion::common::{Result, exec_err};
use datafusion::logical_expr::function::{PartitionEvaluatorArgs, WindowUDFFieldArgs};
use datafusion::logical_expr::{
    PartitionEvaluator, Signature, Volatility, WindowUDF, WindowUDFImpl,
};
use datafusion::prelude::SessionContext;

/// Registers `least_before(value, day, until_on) over (partition by … order by …)`; all three are
/// dates.
///
/// A row with a `day` adds its `value`. A row without a `day` is a query: its result is the least
/// value of the earlier rows of the window whose day is before `until_on` (of all of them if
/// `until_on` is null), or null.
pub(super) fn register(context: &SessionContext) {
    context.register_udwf(WindowUDF::from(LeastBefore::new()));
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct LeastBefore {
    signature: Signature,
}

impl LeastBefore {
    fn new() -> LeastBefore {
        LeastBefore {
            signature: Signature::exact(vec![DataType::Date32; 3], Volatility::Immutable),
        }
    }
}

impl WindowUDFImpl for LeastBefore {
    fn name(&self) -> &str {
        "least_before"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn partition_evaluator(
        &self,
        _args: PartitionEvaluatorArgs<'_>,
    ) -> Result<Box<dyn PartitionEvaluator>> {
        Ok(Box::new(Rows))
    }

    fn field(&self, args: WindowUDFFieldArgs<'_>) -> Result<FieldRef> {
        Ok(Arc::new(Field::new(args.name(), DataType::Date32, true)))
    }
}

/// Evaluates the rows of one partition in order.
#[derive(Debug)]
struct Rows;

impl PartitionEvaluator for Rows {
    fn evaluate_all(&mut self, values: &[ArrayRef], num_rows: usize) -> Result<ArrayRef> {
        let [values, days, untils] = values else {
            return exec_err!("least_before takes a value, a day and an end");
        };
        let column = |array: &ArrayRef| array.as_primitive::<Date32Type>().clone();
        let (values, days, untils) = (column(values), column(days), column(untils));
        let mut held = LeastByDay::of(&days);
        let mut answers = Date32Array::builder(num_rows);
        for row in 0..num_rows {
            if days.is_null(row) {
                answers.append_option(held.least(untils.is_valid(row).then(|| untils.value(row))));
                continue;
            }
            if values.is_valid(row) {
                held.hold(days.value(row), values.value(row));
            }
            answers.append_null();
        }
        Ok(Arc::new(answers.finish()))
    }
}

/// The least value of each range of days: a Fenwick tree, so that an insert and a query take
/// logarithmic time.
struct LeastByDay {
    days: Vec<i32>,
    least: Vec<Option<i32>>,
}

impl LeastByDay {
    fn of(days: &Date32Array) -> LeastByDay {
        let mut days: Vec<i32> = days.iter().flatten().collect();
        days.sort_unstable();
        days.dedup();
        let least = vec![None; days.len() + 1];
        LeastByDay { days, least }
    }

    fn hold(&mut self, day: i32, value: i32) {
        let mut at = self.days.partition_point(|other| *other < day) + 1;
        while let Some(least) = self.least.get_mut(at) {
            *least = Some(least.map_or(value, |least| least.min(value)));
            at += at & at.wrapping_neg();
        }
    }

    fn least(&self, until: Option<i32>) -> Option<i32> {
        let mut at =
            until.map_or(self.days.len(), |until| self.days.partition_point(|day| *day < until));
        let mut least = None;
        while at > 0 {
            least = least.into_iter().chain(self.least[at]).min();
            at -= at & at.wrapping_neg();
        }
        least
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn the_least_of_the_rows_before_is_found_by_their_days() {
        // value, day, until_on and the result
        let rows = [
            [None, None, None, None],
            [Some(50), Some(5), None, None],
            [Some(30), Some(9), None, None],
            [None, Some(1), None, None],
            [None, None, Some(9), Some(50)],
            [None, None, Some(10), Some(30)],
            [None, None, Some(5), None],
            [Some(40), Some(4), None, None],
            [None, None, Some(5), Some(40)],
            [None, None, None, Some(30)],
        ];
        let column = |at: usize| {
            Arc::new(rows.iter().map(|row| row[at]).collect::<Date32Array>()) as ArrayRef
        };
        let values = [column(0), column(1), column(2)];
        let answers = Rows.evaluate_all(&values, rows.len()).unwrap();
        assert_eq!(&answers, &column(3));
    }
}
