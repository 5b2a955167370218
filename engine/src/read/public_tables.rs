//! The public tables: a view over the current rows of each stored table that the public sees.

use datafusion::prelude::{DataFrame, SessionContext};

use super::restricted;
use crate::error::{Error, Result};
use crate::model::{ObjectType, RuleInputs};
use crate::sessions::{CurrentId, Sessions, StoredTables};
use crate::tables::{PublicTable, public_tables};

/// A session with the public tables and nothing else; `movements` and `scheduled_movements` part at
/// the moment's `as_of`. Of other data sources than those it is restricted to, no row can be
/// reached.
pub(crate) async fn public_session(
    tables: &StoredTables,
    sessions: &Sessions,
    moment: &RuleInputs,
    only: Option<&[String]>,
) -> Result<SessionContext> {
    let inner = tables.session(sessions).await?;
    let public = sessions.public()?;
    for PublicTable { name, view } in public_tables() {
        let view = inner.sql(view).await?.with_param_values(moment.parameters())?;
        let table = match only {
            None => view.into_view(),
            Some(only) => restricted::table(view, only)?,
        };
        public.register_table(*name, table)?;
    }
    Ok(public)
}

/// Some records of a type, which are known by their ids, with their public columns.
pub(crate) async fn public_records(
    tables: &StoredTables,
    sessions: &Sessions,
    moment: &RuleInputs,
    object: ObjectType,
    found: &[CurrentId],
) -> Result<DataFrame> {
    let inner = sessions.parallel()?;
    let versions = tables.versions(&inner, object, found)?;
    inner.register_table(object.name(), versions.into_view())?;
    let view = public_tables().find(|table| table.name == object.name());
    let view = view.ok_or_else(|| {
        Error::Internal(format!("there is no public table \"{}\"", object.name()))
    })?;
    Ok(inner.sql(view.view).await?.with_param_values(moment.parameters())?)
}
