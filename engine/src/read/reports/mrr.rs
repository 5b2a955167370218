//! The MRR report: opening, movements by type and closing of each period and currency.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{AsArray, BooleanArray, Date32Array, RecordBatch};
use arrow::datatypes::{DataType, Date32Type, Field, Schema};
use chrono::NaiveDate;
use datafusion::common::ParamValues;
use datafusion::datasource::MemTable;
use datafusion::execution::SendableRecordBatchStream;
use datafusion::prelude::SessionContext;

use crate::error::Result;
use crate::model::{date_of, day_number};
use crate::mrr::date_value;
use crate::read::reports::periods::{Interval, Period, periods};

const SQL: &str = include_str!("../../../sql/reports/mrr.sql");

/// Which periods to report.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MrrQuery {
    /// How long a period is.
    pub interval: Interval,
    /// The first day; that of the first movement unless given.
    pub from: Option<NaiveDate>,
    /// The last day; `as_of` unless given, and never after it.
    pub to: Option<NaiveDate>,
}

pub(crate) async fn mrr(
    public: &SessionContext,
    query: &MrrQuery,
    as_of: NaiveDate,
) -> Result<SendableRecordBatchStream> {
    let to = query.to.map_or(as_of, |to| to.min(as_of));
    let from = match query.from {
        Some(from) => from,
        // The first period is a whole one, and as early as the report has room; what was before it
        // is its opening.
        None => {
            let earliest = query.interval.earliest_start(to);
            let first = first_movement(public)
                .await?
                .map(|first| earliest.map_or(first, |earliest| first.max(earliest)));
            first.and_then(|first| query.interval.start_of(first)).unwrap_or(to)
        }
    };
    let periods = period_table(&periods(query.interval, from, to)?)?;
    let report = SessionContext::new_with_config_rt(public.copied_config(), public.runtime_env());
    report.register_table("periods", periods)?;
    report.register_table("movements", public.table("movements").await?.into_view())?;
    let values = HashMap::from([("to".to_string(), date_value(Some(to)))]);
    let rows = report.sql(SQL).await?.with_param_values(ParamValues::from(values))?;
    Ok(rows.execute_stream().await?)
}

async fn first_movement(public: &SessionContext) -> Result<Option<NaiveDate>> {
    let first = public.sql("select min(date) from movements").await?.collect().await?;
    let day = first
        .first()
        .and_then(|batch| batch.column(0).as_primitive::<Date32Type>().iter().next().flatten());
    Ok(day.and_then(date_of))
}

fn period_table(periods: &[Period]) -> Result<Arc<MemTable>> {
    let schema = Arc::new(Schema::new(vec![
        Field::new("period_start", DataType::Date32, false),
        Field::new("period_end", DataType::Date32, false),
        Field::new("partial", DataType::Boolean, false),
    ]));
    let starts =
        Date32Array::from_iter_values(periods.iter().map(|period| day_number(period.start)));
    let ends = Date32Array::from_iter_values(periods.iter().map(|period| day_number(period.end)));
    let partial = BooleanArray::from_iter(periods.iter().map(|period| Some(period.partial)));
    let columns = vec![Arc::new(starts) as _, Arc::new(ends) as _, Arc::new(partial) as _];
    let batch = RecordBatch::try_new(Arc::clone(&schema), columns)?;
    Ok(Arc::new(MemTable::try_new(schema, vec![vec![batch]])?))
}
