//! Records in: the dialect of GrowPanel's Custom API page, and that of its client libraries.

mod answer;
mod body;
mod clients;
mod format;
mod page;

pub(crate) use answer::{Pointer, invalid_records};
pub(crate) use clients::routes as client_routes;
pub(crate) use page::routes;

use mrrow_engine::RowStatus;
use mrrow_engine::model::ObjectType;
use mrrow_engine::push::Pushed;

use crate::app::App;

/// Counts what became of the objects of a request; a repetition is not counted again.
fn count(app: &App, object: ObjectType, pushed: &Pushed) {
    if pushed.replayed {
        return;
    }
    for status in [RowStatus::Created, RowStatus::Updated, RowStatus::Unchanged] {
        let count = pushed.result.iter().filter(|row| row.status == status).count() as u64;
        app.metrics.pushed(object.name(), status.as_str(), count);
    }
    app.metrics.pushed(object.name(), "rejected", pushed.rejections.len() as u64);
}
