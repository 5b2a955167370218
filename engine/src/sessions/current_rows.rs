//! The current rows of the stored tables: by the kind of each table, one rule.

use datafusion::common::ParamValues;
use datafusion::prelude::{DataFrame, SessionContext};
use datafusion::scalar::ScalarValue;

use super::Sessions;
use super::stored_tables::{PRESENT, StoredTables, VersionCutoff};
use crate::error::Result;
use crate::files::Layer;
use crate::tables::{Table, TableKind};

const LATEST_VERSIONS: &str = include_str!("../../sql/tables/latest_versions.sql");
const VERSIONS_BY_CUTOFF: &str = include_str!("../../sql/tables/versions_by_cutoff.sql");
const LATEST_REFRESH: &str = include_str!("../../sql/tables/latest_refresh.sql");

impl StoredTables {
    /// The current rows of a table, see [`TableKind`].
    pub(crate) async fn current(&self, sessions: &Sessions, table: Table) -> Result<DataFrame> {
        let context = sessions.parallel()?;
        match (table.kind(), self.cutoff()) {
            (TableKind::Versions(_), Some(cutoff)) => {
                self.versions_by(&context, table, cutoff).await
            }
            (TableKind::Versions(_), None) => self.latest_versions(&context, table).await,
            (TableKind::PerCustomer, _) => self.latest_refresh(&context, table).await,
            // Look-ups search the files themselves.
            (TableKind::IdIndex, _) => self.stored(&context, table, &PRESENT),
        }
    }

    async fn versions_by(
        &self,
        context: &SessionContext,
        table: Table,
        cutoff: VersionCutoff,
    ) -> Result<DataFrame> {
        let versions = self.stored_of_customers(context, table, &Layer::ALL)?;
        context.register_table("versions", versions.into_view())?;
        Ok(context.sql(VERSIONS_BY_CUTOFF).await?.with_param_values(cutoff.parameters())?)
    }

    /// Nothing is joined if no version is superseded.
    async fn latest_versions(&self, context: &SessionContext, table: Table) -> Result<DataFrame> {
        let versions = self.stored_of_customers(context, table, &PRESENT)?;
        if self.files_of(table, &PRESENT).all(|stored| stored.file.superseded_rows == 0) {
            return Ok(versions);
        }
        context.register_table("versions", versions.into_view())?;
        // A version of another customer may supersede one that is read: invoices move.
        let newer = self.stored(context, table, &[Layer::Delta])?;
        context.register_table("newer", newer.into_view())?;
        Ok(context.sql(LATEST_VERSIONS).await?)
    }

    /// Nothing is joined if no customer is refreshed since the base was written.
    async fn latest_refresh(&self, context: &SessionContext, table: Table) -> Result<DataFrame> {
        let base = self.stored_of_customers(context, table, &[Layer::Base])?;
        if self.files_of(Table::Refreshes, &[Layer::Delta]).next().is_none() {
            return Ok(base);
        }
        let delta = self.stored_of_customers(context, table, &[Layer::Delta])?;
        let refreshed = self.stored_of_customers(context, Table::Refreshes, &[Layer::Delta])?;
        for (name, rows) in [("base", base), ("delta", delta), ("refreshed", refreshed)] {
            context.register_table(name, rows.into_view())?;
        }
        Ok(context.sql(LATEST_REFRESH).await?)
    }

    /// Registers the current rows of each table under its name, including hidden columns.
    pub(crate) async fn register(
        &self,
        context: &SessionContext,
        sessions: &Sessions,
    ) -> Result<()> {
        let tables = Table::ALL.into_iter().filter(|table| table.kind() != TableKind::IdIndex);
        for table in tables {
            context
                .register_table(table.name(), self.current(sessions, table).await?.into_view())?;
        }
        Ok(())
    }

    /// A session with the current rows of each table.
    pub(crate) async fn session(&self, sessions: &Sessions) -> Result<SessionContext> {
        let context = sessions.parallel()?;
        self.register(&context, sessions).await?;
        Ok(context)
    }
}

impl VersionCutoff {
    fn parameters(self) -> ParamValues {
        let received_at = ScalarValue::TimestampMicrosecond(
            Some(self.received_at.timestamp_micros()),
            Some("UTC".into()),
        );
        ParamValues::from(vec![
            ("last_sequence", ScalarValue::Int64(Some(self.last_sequence))),
            ("received_until", ScalarValue::Int64(Some(self.received_until))),
            ("received_at", received_at),
        ])
    }
}
