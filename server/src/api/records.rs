//! Records out, changed and deleted, for GrowPanel's clients: `/data/customers`, `/data/plans`,
//! `/data/invoices`.

mod state;

mod customer_mrr;
mod responses;

mod lists;
mod operations;

mod customers;
mod invoices;
mod plans;

use axum::extract::FromRef;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::http::body::Bodies;
use crate::http::caller::KeyLookup;

pub(crate) use state::RecordsState;

pub(crate) fn routes<S>() -> OpenApiRouter<S>
where
    S: Clone + Send + Sync + 'static,
    KeyLookup: FromRef<S>,
    Bodies: FromRef<S>,
    RecordsState: FromRef<S>,
{
    OpenApiRouter::new()
        .routes(routes!(customers::list))
        .routes(routes!(plans::list))
        .routes(routes!(invoices::list))
        .routes(routes!(customers::show, customers::update, customers::delete))
        .routes(routes!(plans::show, plans::update, plans::delete))
        .routes(routes!(invoices::show, invoices::update, invoices::delete))
}
