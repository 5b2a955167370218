//! Ad-hoc SQL: one read-only statement over the public tables.

use datafusion::common::DataFusionError;
use datafusion::execution::SendableRecordBatchStream;
use datafusion::execution::context::SQLOptions;
use datafusion::prelude::SessionContext;

use crate::error::{Error, Result};

/// The longest statement, in bytes; what is deeper nested than this allows would not fit a thread's stack.
pub(crate) const SQL_BYTES_MAX: usize = 64 * 1024;

/// Plans and starts a statement. Only queries pass: DDL, DML, COPY, SET and file paths are refused.
pub(crate) async fn read_only(public: &SessionContext, sql: &str) -> Result<SendableRecordBatchStream> {
    if sql.trim().is_empty() {
        return Err(Error::Sql("the statement is empty".to_string()));
    }
    if sql.len() > SQL_BYTES_MAX {
        return Err(Error::Sql(format!("the statement has {} bytes; {SQL_BYTES_MAX} are allowed", sql.len())));
    }
    let options = SQLOptions::new().with_allow_ddl(false).with_allow_dml(false).with_allow_statements(false);
    let query = public.sql_with_options(sql, options).await.map_err(in_the_users_words)?;
    query.execute_stream().await.map_err(in_the_users_words)
}

fn in_the_users_words(error: DataFusionError) -> Error {
    let root = error.find_root().strip_backtrace().replace("datafusion.public.", "");
    let root = ["Error during planning: ", "This feature is not implemented: ", "Schema error: "]
        .into_iter()
        .fold(root.as_str(), |text, prefix| text.strip_prefix(prefix).unwrap_or(text));
    match root.split_once(" not supported: ") {
        Some((what @ ("DDL" | "DML" | "Statement"), statement)) => {
            Error::Sql(format!("only queries are allowed, not {statement} ({what})"))
        }
        _ => Error::Sql(root.to_string()),
    }
}
