//! A table restricted to some data sources. A statement sees only rows that passed the restriction.
//!
//! A filter in a view would not be enough. The optimizer may run a statement's own conditions
//! before the filter or beside it. A condition that fails reveals the row: the error of
//! `cast(name as int)` contains the name. So the table is opaque. Conditions that cannot fail go
//! in, to read less; all others, and the optimizer, stay outside.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{Column, DataFusionError, Result as DataFusionResult};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::logical_expr::{
    Expr, LogicalPlan, LogicalPlanBuilder, Operator, TableProviderFilterPushDown, TableType, lit,
};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_plan::execution_plan::reset_plan_states;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, PlanProperties, ReplaceChildrenOptions,
};
use datafusion::prelude::{DataFrame, ident};

use crate::error::Result;

/// The rows of a view that are of these data sources, and nothing else of it.
pub(super) fn table(view: DataFrame, data_sources: &[String]) -> Result<Arc<dyn TableProvider>> {
    let allowed = match data_sources {
        [] => lit(false),
        sources => ident("data_source")
            .in_list(sources.iter().map(|source| lit(source.as_str())).collect(), false),
    };
    let plan = view.filter(allowed)?.into_unoptimized_plan();
    let schema = Arc::clone(plan.schema().inner());
    Ok(Arc::new(RestrictedTable { plan, schema }))
}

#[derive(Debug)]
struct RestrictedTable {
    plan: LogicalPlan,
    schema: SchemaRef,
}

type Scan<'a> = Pin<Box<dyn Future<Output = DataFusionResult<Arc<dyn ExecutionPlan>>> + Send + 'a>>;

impl TableProvider for RestrictedTable {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::View
    }

    fn supports_filters_pushdown(
        &self,
        filters: &[&Expr],
    ) -> DataFusionResult<Vec<TableProviderFilterPushDown>> {
        let support = |filter: &&Expr| match cannot_fail(filter) {
            true => TableProviderFilterPushDown::Exact,
            false => TableProviderFilterPushDown::Unsupported,
        };
        Ok(filters.iter().map(support).collect())
    }

    fn scan<'this, 'session, 'projection, 'filters, 'scan>(
        &'this self,
        session: &'session dyn Session,
        projection: Option<&'projection Vec<usize>>,
        filters: &'filters [Expr],
        limit: Option<usize>,
    ) -> Scan<'scan>
    where
        'this: 'scan,
        'session: 'scan,
        'projection: 'scan,
        'filters: 'scan,
    {
        Box::pin(async move {
            let mut plan = LogicalPlanBuilder::from(self.plan.clone());
            for filter in filters {
                plan = plan.filter(filter.clone())?;
            }
            if let Some(columns) = projection {
                let column = |at: &usize| {
                    Expr::Column(Column::from(self.plan.schema().qualified_field(*at)))
                };
                plan = plan.project(columns.iter().map(column))?;
            }
            if limit.is_some() {
                plan = plan.limit(0, limit)?;
            }
            let inner = session.create_physical_plan(&plan.build()?).await?;
            Ok(Arc::new(OpaquePlan { inner }) as Arc<dyn ExecutionPlan>)
        })
    }
}

/// Whether an expression has a value for every row, so that no error reveals a row.
fn cannot_fail(expression: &Expr) -> bool {
    match expression {
        Expr::Column(_) | Expr::Literal(..) => true,
        Expr::BinaryExpr(both) => {
            let compares = matches!(
                both.op,
                Operator::Eq
                    | Operator::NotEq
                    | Operator::Lt
                    | Operator::LtEq
                    | Operator::Gt
                    | Operator::GtEq
                    | Operator::And
                    | Operator::Or
            );
            compares && cannot_fail(&both.left) && cannot_fail(&both.right)
        }
        Expr::Not(inner) | Expr::IsNull(inner) | Expr::IsNotNull(inner) => cannot_fail(inner),
        Expr::Between(range) => {
            [&range.expr, &range.low, &range.high].into_iter().all(|part| cannot_fail(part))
        }
        Expr::InList(list) => cannot_fail(&list.expr) && list.list.iter().all(cannot_fail),
        _ => false,
    }
}

/// An opaque plan: it has no children to be optimized or explained.
#[derive(Debug)]
struct OpaquePlan {
    inner: Arc<dyn ExecutionPlan>,
}

impl DisplayAs for OpaquePlan {
    fn fmt_as(&self, _kind: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RestrictedExec")
    }
}

impl ExecutionPlan for OpaquePlan {
    fn name(&self) -> &str {
        "RestrictedExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        self.inner.properties()
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        Vec::new()
    }

    fn apply_expressions(
        &self,
        _: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> DataFusionResult<TreeNodeRecursion>,
    ) -> DataFusionResult<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn replace_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn ExecutionPlan>>,
        _: ReplaceChildrenOptions,
    ) -> DataFusionResult<Arc<dyn ExecutionPlan>> {
        match children.as_slice() {
            [] => Ok(self),
            _ => Err(DataFusionError::Internal("a restricted table has no children".to_string())),
        }
    }

    fn with_new_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn ExecutionPlan>>,
    ) -> DataFusionResult<Arc<dyn ExecutionPlan>> {
        self.replace_children(
            children,
            ReplaceChildrenOptions::new(
                datafusion::physical_plan::ChildrenPropertiesMode::Recompute,
            ),
        )
    }

    fn reset_state(self: Arc<Self>) -> DataFusionResult<Arc<dyn ExecutionPlan>> {
        Ok(Arc::new(OpaquePlan { inner: reset_plan_states(Arc::clone(&self.inner))? }))
    }

    fn execute(
        &self,
        partition: usize,
        context: Arc<TaskContext>,
    ) -> DataFusionResult<SendableRecordBatchStream> {
        self.inner.execute(partition, context)
    }
}
