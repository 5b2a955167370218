//! The movements report: movements of a range of days, of all customers or one.

use std::collections::HashMap;

use chrono::NaiveDate;
use datafusion::common::ParamValues;
use datafusion::execution::SendableRecordBatchStream;
use datafusion::prelude::SessionContext;
use datafusion::scalar::ScalarValue;

use crate::error::Result;
use crate::mrr::date_value;

const SQL: &str = include_str!("../../../sql/reports/movements.sql");

/// Which movements to report.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MovementsQuery {
    /// The first day, inclusive.
    pub from: Option<NaiveDate>,
    /// The last day, inclusive.
    pub to: Option<NaiveDate>,
    /// Only of the customers with this id, in all data sources, or of the one that `SOURCE/ID`
    /// names.
    pub customer: Option<String>,
    /// Also movements that are dated after `as_of`.
    pub scheduled: bool,
}

pub(crate) async fn movements(
    public: &SessionContext,
    query: &MovementsQuery,
) -> Result<SendableRecordBatchStream> {
    let values = HashMap::from([
        ("from".to_string(), date_value(query.from)),
        ("to".to_string(), date_value(query.to)),
        ("customer".to_string(), ScalarValue::Utf8(query.customer.clone())),
        ("scheduled".to_string(), ScalarValue::Boolean(Some(query.scheduled))),
    ]);
    let rows = public.sql(SQL).await?.with_param_values(ParamValues::from(values))?;
    Ok(rows.execute_stream().await?)
}
