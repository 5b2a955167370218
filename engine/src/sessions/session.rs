//! DataFusion sessions that share one memory budget and one place to spill.

use std::sync::Arc;

use datafusion::execution::disk_manager::{DiskManagerBuilder, DiskManagerMode};
use datafusion::execution::memory_pool::{FairSpillPool, GreedyMemoryPool};
use datafusion::execution::runtime_env::{RuntimeEnv, RuntimeEnvBuilder};
use datafusion::prelude::{SessionConfig, SessionContext};

use crate::error::Result;

/// Registers the functions of the rules in a session; the room of the rules hands it in.
pub(crate) type RegisterFunctions = fn(&SessionContext);

/// Makes sessions; all of them draw on the same memory and spill to temporary files beyond it.
#[derive(Debug, Clone)]
pub(crate) struct Sessions {
    runtime: Arc<RuntimeEnv>,
    threads: usize,
    register_functions: RegisterFunctions,
}

impl Sessions {
    pub(crate) fn new(
        memory_bytes: usize,
        threads: usize,
        register_functions: RegisterFunctions,
    ) -> Result<Sessions> {
        let runtime = RuntimeEnvBuilder::new()
            .with_memory_pool(Arc::new(FairSpillPool::new(memory_bytes)))
            .build_arc()?;
        Ok(Sessions { runtime, threads, register_functions })
    }

    /// Sessions that fail beyond their memory, and write nothing anywhere.
    pub(crate) fn without_spilling(
        memory_bytes: usize,
        threads: usize,
        register_functions: RegisterFunctions,
    ) -> Result<Sessions> {
        let runtime = RuntimeEnvBuilder::new()
            .with_memory_pool(Arc::new(GreedyMemoryPool::new(memory_bytes)))
            .with_disk_manager_builder(
                DiskManagerBuilder::default().with_mode(DiskManagerMode::Disabled),
            )
            .build_arc()?;
        Ok(Sessions { runtime, threads, register_functions })
    }

    /// How many chunks or partitions are worked on at once.
    pub(crate) fn threads(&self) -> usize {
        self.threads
    }

    /// A session that uses every thread.
    pub(crate) fn parallel(&self) -> Result<SessionContext> {
        let context = self.public()?;
        (self.register_functions)(&context);
        Ok(context)
    }

    /// A session for work that is one of many side by side.
    pub(crate) fn single(&self) -> Result<SessionContext> {
        let context = self.session(1, |_| {})?;
        (self.register_functions)(&context);
        Ok(context)
    }

    /// A session that reads sorted files as they are sorted, without sorting them again.
    pub(crate) fn in_order(&self) -> Result<SessionContext> {
        let context = self.session(1, |config| {
            let options = config.options_mut();
            options.optimizer.prefer_existing_sort = true;
            options.optimizer.repartition_file_scans = false;
        })?;
        (self.register_functions)(&context);
        Ok(context)
    }

    /// A session for the statements of others: without the functions of the rules.
    pub(crate) fn public(&self) -> Result<SessionContext> {
        self.session(self.threads, |_| {})
    }

    fn session(
        &self,
        partitions: usize,
        adjust: impl FnOnce(&mut SessionConfig),
    ) -> Result<SessionContext> {
        let mut config = SessionConfig::new()
            .with_target_partitions(partitions)
            .with_information_schema(true)
            .with_create_default_catalog_and_schema(true);
        let options = config.options_mut();
        // Money is exact: 0.01 in SQL is a decimal, not a float.
        options.sql_parser.parse_float_as_decimal = true;
        // One string type, that of our Parquet files and functions.
        options.sql_parser.map_string_types_to_utf8view = false;
        options.execution.parquet.schema_force_view_types = false;
        options.execution.parquet.pushdown_filters = true;
        adjust(&mut config);
        let mut context = SessionContext::new_with_config_rt(config, Arc::clone(&self.runtime));
        datafusion_functions_json::register_all(&mut context)?;
        Ok(context)
    }
}
