//! Runs a report: its relations, its parameters, its SQL, its columns.

use datafusion::common::ParamValues;
use datafusion::execution::SendableRecordBatchStream;
use datafusion::prelude::SessionContext;

use super::relations::with_relations;
use super::request::ReportRequest;
use crate::error::Result;
use crate::model::RuleInputs;

/// The rows of a report over a session with the public tables.
pub(crate) async fn run(
    public: &SessionContext,
    request: &ReportRequest,
    inputs: &RuleInputs,
) -> Result<SendableRecordBatchStream> {
    let report = request.report();
    let mut values = request.bound_values();
    let session = with_relations(public, request, inputs, &mut values).await?;
    let rows = session.sql(report.sql).await?.with_param_values(ParamValues::from(values))?;
    let columns: Vec<&str> = request.columns().map(|column| column.name).collect();
    let rows = match columns.len() == report.columns.len() {
        true => rows,
        false => rows.select_columns(&columns)?,
    };
    Ok(rows.execute_stream().await?)
}
