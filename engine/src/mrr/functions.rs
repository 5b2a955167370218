//! The scalar functions of the rules: exact arithmetic that SQL lacks.

use std::str::FromStr;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, Date32Array, Decimal128Array, Int64Array, TimestampMicrosecondArray,
};
use arrow::datatypes::{
    DataType, Date32Type, Decimal128Type, Int64Type, TimeUnit, TimestampMicrosecondType,
};
use chrono_tz::Tz;
use datafusion::common::{DataFusionError, Result, ScalarValue, exec_err};
use datafusion::logical_expr::{ColumnarValue, ScalarUDF, Volatility, create_udf};
use datafusion::prelude::SessionContext;

use super::calendar;
use super::ratio;
use crate::model::SentTime;
use crate::mrr::ratio::{RATE_PRECISION, RATE_SCALE};

const TIME: DataType = DataType::Timestamp(TimeUnit::Microsecond, None);
const WIDE: DataType = DataType::Decimal128(38, 0);
const RATE: DataType = DataType::Decimal128(RATE_PRECISION, RATE_SCALE);

/// Registers `last_running`, `least_before`, `local_day`, `end_day`, `instant_of`, `add_cycles`,
/// `day_after`, `days_between`, `round_ratio` and `ceil_ratio`.
pub(crate) fn register(context: &SessionContext) {
    let sent = || vec![TIME, DataType::Boolean, DataType::Utf8];
    let functions = [
        function("local_day", sent(), DataType::Date32, |args| dates(args, SentTime::local_day)),
        function("end_day", sent(), DataType::Date32, |args| dates(args, SentTime::end_day)),
        function("instant_of", sent(), TIME, instants),
        function(
            "add_cycles",
            vec![DataType::Date32, DataType::Utf8, DataType::Int64, DataType::Int64],
            DataType::Date32,
            add_cycles,
        ),
        function("day_after", vec![DataType::Date32, DataType::Int64], DataType::Date32, day_after),
        function(
            "days_between",
            vec![DataType::Date32, DataType::Date32],
            DataType::Int64,
            days_between,
        ),
        function("round_ratio", vec![WIDE, WIDE], RATE, |args| {
            ratios(args, "round_ratio", ratio::round_ratio)
        }),
        function("ceil_ratio", vec![WIDE, WIDE], RATE, |args| {
            ratios(args, "ceil_ratio", ratio::ceil_ratio)
        }),
    ];
    for function in functions {
        context.register_udf(function);
    }
    crate::mrr::last_running::register(context);
    crate::mrr::least_before::register(context);
}

/// A function of whole columns: arrays of one length in, an array of that length out.
fn function(
    name: &str,
    arguments: Vec<DataType>,
    result: DataType,
    compute: impl Fn(&[ArrayRef]) -> Result<ArrayRef> + Send + Sync + 'static,
) -> ScalarUDF {
    let on_columns = move |values: &[ColumnarValue]| {
        let all_scalar = values.iter().all(|value| matches!(value, ColumnarValue::Scalar(_)));
        let column = compute(&ColumnarValue::values_to_arrays(values)?)?;
        Ok(if all_scalar {
            ColumnarValue::Scalar(ScalarValue::try_from_array(&column, 0)?)
        } else {
            ColumnarValue::Array(column)
        })
    };
    create_udf(name, arguments, result, Volatility::Immutable, Arc::new(on_columns))
}

/// The times of the first two columns in the zone of the third; null if the time is null.
fn sent_times(args: &[ArrayRef]) -> Result<(Tz, impl Iterator<Item = Option<SentTime>> + '_)> {
    let zone = zone_of(&args[2])?;
    let (micros, zoned) =
        (args[0].as_primitive::<TimestampMicrosecondType>(), args[1].as_boolean());
    let times = micros
        .iter()
        .zip(zoned.iter())
        .map(|(micros, zoned)| Some(SentTime { micros: micros?, zoned: zoned.unwrap_or(true) }));
    Ok((zone, times))
}

fn zone_of(names: &ArrayRef) -> Result<Tz> {
    let names = names.as_string::<i32>();
    if names.is_empty() {
        return Ok(Tz::UTC);
    }
    Tz::from_str(names.value(0))
        .map_err(|error| DataFusionError::Execution(format!("read the time zone: {error}")))
}

fn dates(args: &[ArrayRef], day_of: fn(SentTime, Tz) -> Option<i32>) -> Result<ArrayRef> {
    let (zone, times) = sent_times(args)?;
    let days: Date32Array = times.map(|time| day_of(time?, zone)).collect();
    Ok(Arc::new(days))
}

fn instants(args: &[ArrayRef]) -> Result<ArrayRef> {
    let (zone, times) = sent_times(args)?;
    let instants: TimestampMicrosecondArray = times.map(|time| time?.instant(zone)).collect();
    Ok(Arc::new(instants))
}

fn add_cycles(args: &[ArrayRef]) -> Result<ArrayRef> {
    let (days, intervals) = (args[0].as_primitive::<Date32Type>(), args[1].as_string::<i32>());
    let (counts, cycles) =
        (args[2].as_primitive::<Int64Type>(), args[3].as_primitive::<Int64Type>());
    let mut moved = Date32Array::builder(days.len());
    for row in 0..days.len() {
        if args.iter().any(|arg| arg.is_null(row)) {
            moved.append_null();
            continue;
        }
        let (day, interval) = (days.value(row), intervals.value(row));
        match calendar::add_cycles(day, interval, counts.value(row), cycles.value(row)) {
            Some(day) => moved.append_value(day),
            None => {
                return exec_err!(
                    "{} cycles of {} {interval} leave the calendar",
                    cycles.value(row),
                    counts.value(row)
                );
            }
        }
    }
    Ok(Arc::new(moved.finish()))
}

fn day_after(args: &[ArrayRef]) -> Result<ArrayRef> {
    let (days, steps) = (args[0].as_primitive::<Date32Type>(), args[1].as_primitive::<Int64Type>());
    let mut later = Date32Array::builder(days.len());
    for pair in days.iter().zip(steps.iter()) {
        let (Some(day), Some(step)) = pair else {
            later.append_null();
            continue;
        };
        match i64::from(day).checked_add(step).and_then(|day| i32::try_from(day).ok()) {
            Some(day) => later.append_value(day),
            None => return exec_err!("{step} days after day {day} leave the calendar"),
        }
    }
    Ok(Arc::new(later.finish()))
}

fn days_between(args: &[ArrayRef]) -> Result<ArrayRef> {
    let (from, to) = (args[0].as_primitive::<Date32Type>(), args[1].as_primitive::<Date32Type>());
    let days: Int64Array = from
        .iter()
        .zip(to.iter())
        .map(|(from, to)| Some(i64::from(to?) - i64::from(from?)))
        .collect();
    Ok(Arc::new(days))
}

fn ratios(
    args: &[ArrayRef],
    name: &str,
    divide: fn(i128, i128) -> Option<i128>,
) -> Result<ArrayRef> {
    let (numerators, denominators) =
        (args[0].as_primitive::<Decimal128Type>(), args[1].as_primitive::<Decimal128Type>());
    let mut rates = Vec::with_capacity(numerators.len());
    for pair in numerators.iter().zip(denominators.iter()) {
        rates.push(match pair {
            (Some(numerator), Some(denominator)) => {
                Some(rate(numerator, denominator, name, divide)?)
            }
            _ => None,
        });
    }
    Ok(Arc::new(Decimal128Array::from(rates).with_precision_and_scale(RATE_PRECISION, RATE_SCALE)?))
}

fn rate(
    numerator: i128,
    denominator: i128,
    name: &str,
    divide: fn(i128, i128) -> Option<i128>,
) -> Result<i128> {
    let limit = 10_i128.pow(u32::from(RATE_PRECISION));
    match divide(numerator, denominator) {
        Some(rate) if rate.abs() < limit => Ok(rate),
        _ => exec_err!("{name}({numerator}, {denominator}) does not fit 24 digits with 4 decimals"),
    }
}
