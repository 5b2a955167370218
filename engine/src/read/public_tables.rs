//! The public tables: a view over the current rows of each stored table that the public sees.

use datafusion::prelude::{DataFrame, SessionContext};

use super::restricted;
use crate::error::Result;
use crate::model::{ObjectType, RuleInputs};
use crate::sessions::{FoundId, Sessions, StoredTables};

/// The public tables, each a view over the current rows of the tables it names.
const PUBLIC: [(&str, &str); 6] = [
    ("customers", include_str!("../../sql/tables/customers.sql")),
    ("plans", include_str!("../../sql/tables/plans.sql")),
    ("invoices", include_str!("../../sql/tables/invoices.sql")),
    ("mrr_lines", include_str!("../../sql/tables/mrr_lines.sql")),
    ("movements", include_str!("../../sql/tables/movements.sql")),
    ("scheduled_movements", include_str!("../../sql/tables/scheduled_movements.sql")),
];

/// A session with the public tables and nothing else; `movements` and `scheduled_movements` part at
/// the moment's `as_of`. Of other data sources than those it is restricted to, no row can be
/// reached.
pub(crate) async fn public_tables(
    tables: &StoredTables,
    sessions: &Sessions,
    moment: &RuleInputs,
    only: Option<&[String]>,
) -> Result<SessionContext> {
    let inner = tables.session(sessions).await?;
    let public = sessions.public()?;
    for (name, sql) in PUBLIC {
        let view = inner.sql(sql).await?.with_param_values(moment.parameters())?;
        let table = match only {
            None => view.into_view(),
            Some(only) => restricted::table(view, only)?,
        };
        public.register_table(name, table)?;
    }
    Ok(public)
}

/// Some records of a type, which are known by their ids, with their public columns.
pub(crate) async fn public_records(
    tables: &StoredTables,
    sessions: &Sessions,
    moment: &RuleInputs,
    object: ObjectType,
    found: &[FoundId],
) -> Result<DataFrame> {
    let inner = sessions.parallel()?;
    let versions = tables.versions(&inner, object, found)?;
    inner.register_table(object.name(), versions.into_view())?;
    let sql =
        PUBLIC.into_iter().find(|(name, _)| *name == object.name()).map_or("", |(_, sql)| sql);
    Ok(inner.sql(sql).await?.with_param_values(moment.parameters())?)
}
