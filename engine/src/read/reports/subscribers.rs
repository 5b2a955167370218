//! The lives report: when customers began to pay, when that last changed, and what they pay now.

use std::collections::HashMap;

use datafusion::common::ParamValues;
use datafusion::execution::SendableRecordBatchStream;
use datafusion::prelude::SessionContext;
use datafusion::scalar::ScalarValue;

use crate::error::Result;

const SQL: &str = include_str!("../../../sql/reports/lives.sql");

/// Whose lives to report.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LivesQuery {
    /// Only of customers of this data source.
    pub data_source: Option<String>,
    /// Only of customers with this id.
    pub customer: Option<String>,
}

pub(crate) async fn lives(
    public: &SessionContext,
    query: &LivesQuery,
) -> Result<SendableRecordBatchStream> {
    let values = HashMap::from([
        ("data_source".to_string(), ScalarValue::Utf8(query.data_source.clone())),
        ("customer".to_string(), ScalarValue::Utf8(query.customer.clone())),
    ]);
    let rows = public.sql(SQL).await?.with_param_values(ParamValues::from(values))?;
    Ok(rows.execute_stream().await?)
}
