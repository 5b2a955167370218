//! Ad-hoc SQL: one read-only statement over the public tables.

use datafusion::common::DataFusionError;
use datafusion::execution::SendableRecordBatchStream;
use datafusion::execution::context::SQLOptions;
use datafusion::prelude::SessionContext;

use crate::error::{Error, Result};

/// Plans and starts a statement. Only queries pass: DDL, DML, COPY, SET and file paths are refused.
pub(crate) async fn read_only(public: &SessionContext, sql: &str) -> Result<SendableRecordBatchStream> {
    if sql.trim().is_empty() {
        return Err(Error::Sql("the statement is empty".to_string()));
    }
    let options = SQLOptions::new().with_allow_ddl(false).with_allow_dml(false).with_allow_statements(false);
    let query = public.sql_with_options(sql, options).await.map_err(in_the_users_words)?;
    query.execute_stream().await.map_err(in_the_users_words)
}

fn in_the_users_words(error: DataFusionError) -> Error {
    let root = error.find_root().strip_backtrace();
    if root.contains("not supported") && (root.contains("DDL") || root.contains("DML") || root.contains("Statement")) {
        return Error::Sql(format!("only queries are allowed: {root}"));
    }
    Error::Sql(root)
}
