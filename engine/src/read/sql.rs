//! Ad-hoc SQL: one read-only statement over the public tables.

use datafusion::common::DataFusionError;
use datafusion::execution::SendableRecordBatchStream;
use datafusion::execution::context::SQLOptions;
use datafusion::prelude::SessionContext;
use datafusion::sql::parser::{DFParserBuilder, Statement};
use datafusion::sql::sqlparser::ast::Statement as Parsed;
use datafusion::sql::sqlparser::parser::ParserError;

use crate::error::{Error, Result};

/// The longest statement, in bytes; what is deeper nested than this allows would not fit a thread's
/// stack.
pub const SQL_BYTES_MAX: usize = 64 * 1024;

/// The longest text about an error; some repeat the whole statement.
const MESSAGE_CHARS_MAX: usize = 1000;

/// Kinds of errors, which say nothing to the author of a statement.
const PREFIXES: [&str; 6] = [
    "Error during planning: ",
    "This feature is not implemented: ",
    "Schema error: ",
    "Arrow error: ",
    "Execution error: ",
    "External error: ",
];

/// Whether a query's plan is shown. It names files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PlanVisibility {
    Shown,
    Hidden,
}

/// Plans and starts a statement. Only queries pass: DDL, DML, COPY, SET and file paths are refused.
pub(crate) async fn read_only(
    public: &SessionContext,
    sql: &str,
    plans: PlanVisibility,
) -> Result<SendableRecordBatchStream> {
    let statement = parse(public, sql)?;
    check(&statement, plans)?;
    let rows = plan_and_start(public, statement).await;
    rows.map_err(Error::of_statement)
}

/// Plans a statement and starts its execution. The plan is checked too, because a query can contain
/// DDL or DML.
async fn plan_and_start(
    public: &SessionContext,
    statement: Statement,
) -> Result<SendableRecordBatchStream, DataFusionError> {
    let queries_only =
        SQLOptions::new().with_allow_ddl(false).with_allow_dml(false).with_allow_statements(false);
    let plan = public.state().statement_to_plan(statement).await?;
    queries_only.verify_plan(&plan)?;
    public.execute_logical_plan(plan).await?.execute_stream().await
}

/// Parses a text that is one statement.
fn parse(public: &SessionContext, sql: &str) -> Result<Statement> {
    if sql.len() > SQL_BYTES_MAX {
        return Err(Error::SqlTooLarge(format!(
            "the statement has {} bytes; {SQL_BYTES_MAX} are allowed",
            sql.len()
        )));
    }
    let depth_max = public.copied_config().options().sql_parser.recursion_limit.get();
    let mut statements = DFParserBuilder::new(sql)
        .with_recursion_limit(depth_max)
        .build()
        .and_then(|mut parser| parser.parse_statements())
        .map_err(Error::of_statement)?;
    if statements.len() > 1 {
        return Err(Error::SqlNotAllowed(format!(
            "there are {} statements; send one at a time",
            statements.len()
        )));
    }
    let empty = || Error::Sql("the statement is empty; write a query".to_string());
    statements.pop_front().ok_or_else(empty)
}

/// Rejects a statement that is not a query, or that shows a plan where plans are hidden.
fn check(statement: &Statement, plans: PlanVisibility) -> Result<()> {
    if plans == PlanVisibility::Hidden && explains(statement) {
        let message = "a plan names the files of the server; look at it there, with \"mrrow sql\"";
        return Err(Error::SqlNotAllowed(message.to_string()));
    }
    if is_query(statement) {
        return Ok(());
    }
    let text = statement.to_string();
    let verb = text.split_whitespace().next().unwrap_or_default().to_uppercase();
    Err(Error::SqlNotAllowed(format!("only queries are allowed, not {verb}")))
}

fn explains(statement: &Statement) -> bool {
    match statement {
        Statement::Statement(parsed) => matches!(**parsed, Parsed::Explain { .. }),
        Statement::Explain(_) => true,
        _ => false,
    }
}

fn is_query(statement: &Statement) -> bool {
    match statement {
        Statement::Statement(parsed) => matches!(
            **parsed,
            Parsed::Query(_)
                | Parsed::ExplainTable { .. }
                | Parsed::ShowTables { .. }
                | Parsed::ShowColumns { .. }
                | Parsed::ShowFunctions { .. }
                | Parsed::ShowVariable { .. }
                | Parsed::Explain { .. }
        ),
        Statement::Explain(explained) => is_query(&explained.statement),
        _ => false,
    }
}

impl Error {
    /// Why a statement failed, also while its rows are read, in the words of its author.
    pub fn of_statement(error: DataFusionError) -> Error {
        match error.find_root() {
            DataFusionError::SQL(parser, _)
                if matches!(**parser, ParserError::RecursionLimitExceeded) =>
            {
                return Error::SqlTooLarge(
                    "the statement is nested too deeply; write it flatter".to_string(),
                );
            }
            DataFusionError::ResourcesExhausted(_) => {
                let message = "the statement needs more memory than it may use; let it read, \
                               sort or group less";
                return Error::SqlTooLarge(message.to_string());
            }
            _ => {}
        }
        let root = match error.find_root() {
            DataFusionError::SQL(parser, _) => match parser.as_ref() {
                ParserError::ParserError(message) | ParserError::TokenizerError(message) => {
                    message.clone()
                }
                error => error.to_string(),
            },
            error => error.strip_backtrace(),
        };
        let root = root.replace("datafusion.public.", "");
        let root = PREFIXES
            .into_iter()
            .fold(root.as_str(), |text, prefix| text.strip_prefix(prefix).unwrap_or(text));
        if let Some((what @ ("DDL" | "DML" | "Statement"), statement)) =
            root.split_once(" not supported: ")
        {
            return Error::SqlNotAllowed(format!(
                "only queries are allowed, not {statement} ({what})"
            ));
        }
        let shown =
            root.char_indices().nth(MESSAGE_CHARS_MAX).map_or(root, |(end, _)| &root[..end]);
        Error::Sql(if shown.len() < root.len() { format!("{shown}…") } else { shown.to_string() })
    }
}
