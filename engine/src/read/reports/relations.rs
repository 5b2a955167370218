//! The relations that a request makes for the SQL of its report.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{AsArray, BooleanArray, Date32Array, RecordBatch};
use arrow::datatypes::{DataType, Date32Type, Field, Schema};
use chrono::NaiveDate;
use datafusion::datasource::MemTable;
use datafusion::prelude::SessionContext;
use datafusion::scalar::ScalarValue;

use super::periods::{Period, periods};
use super::report::Relation;
use super::request::ReportRequest;
use crate::error::Result;
use crate::model::{RuleInputs, date_of, day_number};
use crate::mrr::date_value;
use crate::tables::public_tables;

/// The session in which a report runs: the public tables, and the relations that it reads. A
/// relation may correct the values that the SQL binds.
pub(super) async fn with_relations(
    public: &SessionContext,
    request: &ReportRequest,
    inputs: &RuleInputs,
    values: &mut HashMap<String, ScalarValue>,
) -> Result<SessionContext> {
    if request.report().relations.is_empty() {
        return Ok(public.clone());
    }
    let session = SessionContext::new_with_config_rt(public.copied_config(), public.runtime_env());
    for table in public_tables() {
        session.register_table(table.name, public.table_provider(table.name).await?)?;
    }
    for relation in request.report().relations {
        match relation {
            Relation::Periods => {
                let (table, to) = period_table(public, request, inputs.as_of).await?;
                session.register_table("periods", table)?;
                values.insert("to".to_string(), date_value(Some(to)));
            }
        }
    }
    Ok(session)
}

/// The periods of a request, and the last day of the last one, which is never after `as_of`.
async fn period_table(
    public: &SessionContext,
    request: &ReportRequest,
    as_of: NaiveDate,
) -> Result<(Arc<MemTable>, NaiveDate)> {
    let interval = request.interval("interval");
    let to = request.day("to").map_or(as_of, |to| to.min(as_of));
    let from = match request.day("from") {
        Some(from) => from,
        // The first period is whole, and as early as the report has room. Its opening contains all
        // movements before it.
        None => {
            let earliest = interval.earliest_start(to);
            let first = first_movement(public)
                .await?
                .map(|first| earliest.map_or(first, |earliest| first.max(earliest)));
            first.and_then(|first| interval.start_of(first)).unwrap_or(to)
        }
    };
    Ok((table_of(&periods(interval, from, to)?)?, to))
}

async fn first_movement(public: &SessionContext) -> Result<Option<NaiveDate>> {
    let first = public.sql("select min(date) from movements").await?.collect().await?;
    let day = first
        .first()
        .and_then(|batch| batch.column(0).as_primitive::<Date32Type>().iter().next().flatten());
    Ok(day.and_then(date_of))
}

fn table_of(periods: &[Period]) -> Result<Arc<MemTable>> {
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
