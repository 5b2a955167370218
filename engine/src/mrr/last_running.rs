//! `last_running`: the latest of the spans that run on a day. A window function, because a join
//! would compare every day with every span.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, UInt64Array};
use arrow::datatypes::{DataType, Date32Type, Field, FieldRef, UInt64Type};
use datafusion::common::{Result, exec_err};
use datafusion::logical_expr::function::{PartitionEvaluatorArgs, WindowUDFFieldArgs};
use datafusion::logical_expr::{
    PartitionEvaluator, Signature, Volatility, WindowUDF, WindowUDFImpl,
};
use datafusion::prelude::SessionContext;

/// Registers `last_running(span, day, stop_on) over (partition by … order by day, …)`.
///
/// A row with a span opens it: the span runs from its `day` until before `stop_on`. A row without a
/// span is a query: its result is the last opened span that runs on the row's `day`, or null.
pub(super) fn register(context: &SessionContext) {
    context.register_udwf(WindowUDF::from(LastRunning::new()));
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct LastRunning {
    signature: Signature,
}

impl LastRunning {
    fn new() -> LastRunning {
        let arguments = vec![DataType::UInt64, DataType::Date32, DataType::Date32];
        LastRunning { signature: Signature::exact(arguments, Volatility::Immutable) }
    }
}

impl WindowUDFImpl for LastRunning {
    fn name(&self) -> &str {
        "last_running"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn partition_evaluator(
        &self,
        _args: PartitionEvaluatorArgs<'_>,
    ) -> Result<Box<dyn PartitionEvaluator>> {
        Ok(Box::new(Sweep))
    }

    fn field(&self, args: WindowUDFFieldArgs<'_>) -> Result<FieldRef> {
        Ok(Arc::new(Field::new(args.name(), DataType::UInt64, true)))
    }
}

/// Evaluates the days of one partition in order.
#[derive(Debug)]
struct Sweep;

impl PartitionEvaluator for Sweep {
    fn evaluate_all(&mut self, values: &[ArrayRef], num_rows: usize) -> Result<ArrayRef> {
        let [spans, days, stops] = values else {
            return exec_err!("last_running takes a span, a day and a stop");
        };
        let (spans, days, stops) = (
            spans.as_primitive::<UInt64Type>(),
            days.as_primitive::<Date32Type>(),
            stops.as_primitive::<Date32Type>(),
        );
        // Days only rise, so a span that has stopped never runs again: each is pushed and popped
        // once.
        let mut opened: Vec<(u64, i32)> = Vec::new();
        let mut answers = UInt64Array::builder(num_rows);
        for row in 0..num_rows {
            if spans.is_valid(row) {
                opened.push((spans.value(row), stops.value(row)));
                answers.append_null();
                continue;
            }
            while opened.pop_if(|(_, stop_on)| *stop_on <= days.value(row)).is_some() {}
            answers.append_option(opened.last().map(|(span, _)| *span));
        }
        Ok(Arc::new(answers.finish()))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use arrow::array::Date32Array;

    use super::*;

    #[test]
    fn the_span_that_began_last_and_still_runs_is_found() {
        let spans = UInt64Array::from(vec![Some(1), Some(2), None, Some(3), None, None, None]);
        let days = Date32Array::from(vec![0, 5, 6, 7, 7, 8, 20]);
        let stops = Date32Array::from(vec![Some(10), Some(6), None, Some(8), None, None, None]);
        let values: Vec<ArrayRef> = vec![Arc::new(spans), Arc::new(days), Arc::new(stops)];
        let answers = Sweep.evaluate_all(&values, 7).unwrap();
        let answers: Vec<_> = answers.as_primitive::<UInt64Type>().iter().collect();
        assert_eq!(answers, [None, None, Some(1), None, Some(3), Some(1), None]);
    }
}
