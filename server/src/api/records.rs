//! Records out, changed and deleted, as GrowPanel's clients ask for them: `/data/customers`,
//! `/data/plans`, `/data/invoices`.

mod change;
mod customers;
mod list;
mod lives;
mod shapes;

pub(crate) use shapes::Row;

use mrrow_engine::model::ObjectType;
use mrrow_engine::{Engine, Snapshot};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::error::{ApiError, Result};
use crate::http::caller::Caller;
use crate::http::data_source::{SourceQuery, visible_sources};
use crate::http::min_sequence::wait;

pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list::customers))
        .routes(routes!(list::plans))
        .routes(routes!(list::invoices))
        .routes(routes!(customers::show, customers::update, customers::delete))
        .routes(routes!(change::show_plan, change::update_plan, change::delete_plan))
        .routes(routes!(change::show_invoice, change::update_invoice, change::delete_invoice))
}

/// Waits until everything that was acknowledged here is published.
pub(crate) async fn settled(app: &App) -> Result<()> {
    wait(app, app.engine.last_acknowledged().await.unwrap_or_default()).await
}

/// Everything that was acknowledged before, at one moment.
pub(crate) async fn fresh(app: &App) -> Result<Snapshot> {
    settled(app).await?;
    let engine: &Engine = &app.engine;
    Ok(engine.snapshot(None).await?)
}

/// The data source of the record that a request is about: the one that it names, or the only one
/// that has such an id.
async fn source_of_record(
    app: &App,
    caller: &Caller,
    object: ObjectType,
    id: &str,
    query: &SourceQuery,
) -> Result<String> {
    let visible = visible_sources(app, caller).await?;
    if let Some(source) = query.resolve(app, caller, &visible).await? {
        return Ok(source);
    }
    let mut sources = fresh(app).await?.sources_of(object, id).await?;
    sources.retain(|source| caller.key.sees(source));
    match sources.as_slice() {
        [] => Err(record_not_found(object, id)),
        [only] => Ok(only.clone()),
        several => {
            let named =
                several.iter().map(|source| format!("\"{source}\"")).collect::<Vec<_>>().join(", ");
            let message = format!(
                "\"{id}\" is in the data sources {named}; name one of them, as in ?source={}",
                several[0]
            );
            Err(ApiError::conflict("ambiguous_data_source", message))
        }
    }
}

/// There is no such record.
fn record_not_found(object: ObjectType, id: &str) -> ApiError {
    let (code, what) = match object {
        ObjectType::Customers => ("customer_not_found", "customer"),
        ObjectType::Plans => ("plan_not_found", "plan"),
        ObjectType::Invoices => ("invoice_not_found", "invoice"),
    };
    ApiError::not_found(
        code,
        format!("there is no {what} \"{id}\"; GET /data/{object} lists those there are"),
    )
}
