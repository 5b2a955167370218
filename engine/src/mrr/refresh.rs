//! The refresh: recomputes whole customers from their current records and writes the results.
//!
//! Invoices are read customer by customer and cut into chunks of whole customers. Each chunk runs
//! through the steps alone, so memory is bounded by a few chunks.

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
use crate::mrr::attempt::{ChunkResult, compute_in_background};
use crate::mrr::chunks::chunks_between_customers;
use crate::mrr::write_results::{WriterMessage, Writers, emptied, failed};
use crate::sessions::{Sessions, StoredTables};

const INVOICES_OF_EVERYONE: &str = include_str!("../../sql/refresh/invoices_of_everyone.sql");
const INVOICES_OF_CHANGED: &str = include_str!("../../sql/refresh/invoices_of_changed.sql");
const PLANS: &str = include_str!("../../sql/refresh/plans.sql");

/// Up to this number of customers, only the files of their buckets are read.
const CUSTOMERS_LOOKED_UP: usize = 256;

/// The customers to compute.
#[derive(Debug, Clone)]
pub(crate) enum RefreshScope {
    /// All customers; the older precomputed rows are replaced.
    All,
    /// Some customers; their rows supersede the older ones.
    Some(Customers),
}

impl RefreshScope {
    /// The named customers; empty for all.
    fn some(&self) -> Customers {
        match self {
            RefreshScope::All => Customers::default(),
            RefreshScope::Some(customers) => customers.clone(),
        }
    }
}

/// The customers whose failure fails the refresh. Any other customer for whom the rules fail is
/// left out and has no MRR until its records are corrected.
#[derive(Debug, Clone)]
pub(crate) enum FailurePolicy {
    /// All but these, which failed before.
    AllBut(Customers),
    /// These.
    These(Customers),
    /// None: acknowledged records cannot be refused.
    LeaveOut,
}

impl FailurePolicy {
    pub(super) fn refuses(&self, data_source: &str, customer_id: &str) -> bool {
        match self {
            FailurePolicy::AllBut(customers) => !customers.contains(data_source, customer_id),
            FailurePolicy::These(customers) => customers.contains(data_source, customer_id),
            FailurePolicy::LeaveOut => false,
        }
    }
}

/// One refresh: records, customers, and the inputs of the rules.
#[derive(Debug, Clone)]
pub(crate) struct Refresh {
    pub(crate) tables: StoredTables,
    pub(crate) moment: RuleInputs,
    pub(crate) changed: RefreshScope,
    pub(crate) refusing: FailurePolicy,
    /// The number of the refresh; the rows of a customer with the highest number are current.
    pub(crate) number: i64,
}

impl Refresh {
    /// The current records: of all customers in file order, of some customers by the fastest way.
    async fn session(&self, sessions: &Sessions) -> Result<SessionContext> {
        let customers = match &self.changed {
            RefreshScope::All => {
                let context = sessions.in_order()?;
                self.tables.in_order().register(&context, sessions).await?;
                return Ok(context);
            }
            RefreshScope::Some(customers) => customers,
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

/// Computes the customers and writes their rows as files of the coming snapshot.
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
        RefreshScope::All => context.sql(INVOICES_OF_EVERYONE).await?,
        RefreshScope::Some(_) => context.sql(INVOICES_OF_CHANGED).await?,
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
        while let Some(ChunkResult { computed, failures }) = computed.try_next().await? {
            if !failures.is_empty() {
                let failed = failed(&failures)?;
                without_invoices.remove(&failed, "customer_id")?;
                send(&sender, WriterMessage::Undecided(failed)).await?;
            }
            if let Some(found) = computed {
                without_invoices.remove(&found.decisions, "customer_id")?;
                send(&sender, WriterMessage::StepResults(found)).await?;
            }
        }
        if !without_invoices.is_empty() {
            send(&sender, WriterMessage::Undecided(emptied(&without_invoices)?)).await?;
        }
        send(&sender, WriterMessage::End).await
    }
    .await;
    drop(sender);
    let files =
        writing.await.map_err(|error| Error::Internal(format!("write the refresh: {error}")))?;
    // If the writer stopped, its error is the cause; the other side saw only a closed channel.
    match (files, computing) {
        (Ok(Some(files)), Ok(())) => Ok(files),
        (Err(error), _) | (_, Err(error)) => Err(error),
        (Ok(None), Ok(())) => Err(Error::Internal("the refresh's writer saw no end".to_string())),
    }
}

async fn send(sender: &mpsc::Sender<WriterMessage>, found: WriterMessage) -> Result<()> {
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

    /// Two imports: the second is a delta over the first.
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
            changed: RefreshScope::All,
            refusing: FailurePolicy::LeaveOut,
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
