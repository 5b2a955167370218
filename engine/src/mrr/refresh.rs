//! The refresh: recomputes whole customers from their current records and writes what the rules
//! find.
//!
//! Invoices are read customer by customer, cut into chunks between customers, and each chunk goes
//! through the steps on its own: memory is that of a few chunks, whatever the number of invoices.

use std::pin::pin;
use std::sync::Arc;

use arrow::compute::concat_batches;
use datafusion::prelude::SessionContext;
use futures::{StreamExt, TryStreamExt};
use tokio::sync::mpsc;

use super::{Customers, Rules};
use crate::error::{Error, Result};
use crate::files::{Directory, NewFile};
use crate::model::RuleInputs;
use crate::mrr::attempt::{Outcome, compute_in_background};
use crate::mrr::chunks::chunks_between_customers;
use crate::mrr::write_results::{Found, Writers, emptied, failed};
use crate::sessions::{Sessions, StoredTables};

const INVOICES_OF_EVERYONE: &str = include_str!("../../sql/refresh/invoices_of_everyone.sql");
const INVOICES_OF_CHANGED: &str = include_str!("../../sql/refresh/invoices_of_changed.sql");
const PLANS: &str = include_str!("../../sql/refresh/plans.sql");

/// Up to so many customers are read from the files of their buckets only.
const CUSTOMERS_LOOKED_UP: usize = 256;

/// Whose movements are to be computed.
#[derive(Debug, Clone)]
pub(crate) enum Changed {
    /// Everyone's; the older precomputed rows are then not needed any more.
    All,
    /// Those of some customers; their rows are laid over the older ones.
    Some(Customers),
}

impl Changed {
    /// The customers who are named; none when it is everyone.
    fn some(&self) -> Customers {
        match self {
            Changed::All => Customers::default(),
            Changed::Some(customers) => customers.clone(),
        }
    }
}

/// Who must be computable: a customer for whom the rules cannot be carried out fails the refresh,
/// or is left out of it and has no MRR until its records are corrected.
#[derive(Debug, Clone)]
pub(crate) enum Refusing {
    /// Everyone but these, who could not be computed before either.
    EveryoneBut(Customers),
    /// These; others are left out.
    These(Customers),
    /// Nobody: whoever fails is left out. What is acknowledged cannot be refused any more.
    Nobody,
}

impl Refusing {
    pub(super) fn refuses(&self, data_source: &str, customer_id: &str) -> bool {
        match self {
            Refusing::EveryoneBut(customers) => !customers.contains(data_source, customer_id),
            Refusing::These(customers) => customers.contains(data_source, customer_id),
            Refusing::Nobody => false,
        }
    }
}

/// One refresh: what to compute, from which records, for which moment.
#[derive(Debug, Clone)]
pub(crate) struct Refresh {
    pub(crate) tables: StoredTables,
    pub(crate) moment: RuleInputs,
    pub(crate) changed: Changed,
    pub(crate) refusing: Refusing,
    /// Its number; of the rows of a customer those with the highest count.
    pub(crate) number: i64,
}

impl Refresh {
    /// The current records: of everyone in the order of the files, of some as it is quickest.
    async fn session(&self, sessions: &Sessions) -> Result<SessionContext> {
        let customers = match &self.changed {
            Changed::All => {
                let context = sessions.in_order()?;
                self.tables.in_order().register(&context, sessions).await?;
                return Ok(context);
            }
            Changed::Some(customers) => customers,
        };
        let context = if customers.len() <= CUSTOMERS_LOOKED_UP {
            self.tables.of_customers(customers.keys()).session(sessions).await?
        } else {
            self.tables.session(sessions).await?
        };
        context.register_table("changed", customers.table()?)?;
        Ok(context)
    }
}

/// Computes the changed customers and writes their rows as files for the snapshot to come.
pub(crate) async fn refresh(
    work: &Refresh,
    rules: &Rules,
    directory: &Directory,
    snapshot: i64,
) -> Result<Vec<NewFile>> {
    let context = work.session(&rules.sessions).await?;
    let plans = context.sql(PLANS).await?;
    let plans_schema = Arc::new(plans.schema().as_arrow().clone());
    let plans = concat_batches(&plans_schema, &plans.collect().await?)?;
    let invoices = match work.changed {
        Changed::All => context.sql(INVOICES_OF_EVERYONE).await?,
        Changed::Some(_) => context.sql(INVOICES_OF_CHANGED).await?,
    };

    let (sender, receiver) = mpsc::channel(2);
    let writers = Writers::new(work, directory, snapshot);
    let writing = tokio::task::spawn_blocking(move || writers.write_all(receiver));
    let computing = async {
        let chunks = chunks_between_customers(invoices.execute_stream().await?);
        let computed = chunks
            .map(|chunk| compute_in_background(chunk, work, rules, &plans))
            .buffered(rules.sessions.threads().max(1));
        let mut computed = pin!(computed);
        let mut without_invoices = work.changed.some();
        while let Some(Outcome { computed, failures }) = computed.try_next().await? {
            if !failures.is_empty() {
                let failed = failed(&failures)?;
                without_invoices.remove(&failed, "customer_id")?;
                send(&sender, Found::Undecided(failed)).await?;
            }
            if let Some(found) = computed {
                without_invoices.remove(&found.decisions, "customer_id")?;
                send(&sender, Found::Computed(found)).await?;
            }
        }
        if !without_invoices.is_empty() {
            send(&sender, Found::Undecided(emptied(&without_invoices)?)).await?;
        }
        send(&sender, Found::End).await
    }
    .await;
    drop(sender);
    let files =
        writing.await.map_err(|error| Error::Internal(format!("write the refresh: {error}")))?;
    // Where the writer stopped, its error is the reason; the other side only saw that it was gone.
    match (files, computing) {
        (Ok(Some(files)), Ok(())) => Ok(files),
        (Err(error), _) | (_, Err(error)) => Err(error),
        (Ok(None), Ok(())) => Err(Error::Internal("the refresh's writer saw no end".to_string())),
    }
}

async fn send(sender: &mpsc::Sender<Found>, found: Found) -> Result<()> {
    sender
        .send(found)
        .await
        .map_err(|_| Error::Internal("the refresh's writer is gone".to_string()))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::config::Config;
    use crate::store::Store;
    use crate::write::import::{ImportOptions, Input};
    use datafusion::physical_plan::displayable;

    /// Two imports: the second lies over the first.
    async fn core_with_base_and_delta(dir: &std::path::Path) -> Store {
        let config = Config::new(dir, Arc::new(|| "2024-06-01T00:00:00Z".parse().unwrap()));
        let engine = crate::Engine::open(config.clone()).await.unwrap();
        let invoice = |id: &str, customer: &str, amount: u32| {
            format!(
                r#"{{"id":"{id}","customer_id":"{customer}","type":"one-time","invoice_date":"2024-01-01","amount":{amount},"currency":"USD"}}"#
            )
        };
        for amount in [1, 2] {
            let book = format!(
                r#"{{"customers":[{{"id":"a","name":"A{amount}"}},{{"id":"b","name":"B"}}],"invoices":[{},{}]}}"#,
                invoice("1", "b", amount),
                invoice(&format!("of {amount}"), "a", 5)
            );
            let input = Input::bytes("book", None, book.into_bytes());
            engine.import(vec![input], &ImportOptions::default()).await.unwrap();
        }
        engine.close().await.unwrap();
        Store::open(config).await.unwrap()
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn everyone_is_read_in_the_order_of_the_files() {
        let dir = tempfile::tempdir().unwrap();
        let store = core_with_base_and_delta(dir.path()).await;
        let pinned = store.pinned().await.unwrap();
        let work = Refresh {
            tables: store.tables(&pinned).unwrap(),
            moment: pinned.moment(),
            changed: Changed::All,
            refusing: Refusing::Nobody,
            number: 9,
        };
        let context = work.session(&store.sessions).await.unwrap();
        let invoices = context.sql(INVOICES_OF_EVERYONE).await.unwrap();
        let plan = invoices.create_physical_plan().await.unwrap();
        let shown = displayable(plan.as_ref()).indent(false).to_string();
        assert!(!shown.contains("SortExec"), "it is sorted again:\n{shown}");
        assert!(shown.contains("SortPreservingMergeExec"), "{shown}");
    }
}
