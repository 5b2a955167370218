//! Opened snapshots: to plan the tables of one takes milliseconds, and to compute one of the past
//! much longer, so those that are read are kept for who reads them next.

use std::sync::{Arc, Mutex, PoisonError};

use mrrow_engine::Snapshot;
use tokio::sync::OnceCell;

use super::Moment;
use crate::app::App;
use crate::error::Result;

/// Snapshots that are kept open; each keeps its files.
const OPENED_MAX: usize = 16;

/// A moment, and the data sources whose rows are seen.
type Key = (Moment, Option<Vec<String>>);
type Cell = Arc<OnceCell<Arc<Snapshot>>>;

/// The snapshots that were read last, the last one at the end.
#[derive(Default)]
pub(crate) struct Opened(Mutex<Vec<(Key, Cell)>>);

impl Opened {
    /// The snapshot of a moment; who asks for it while another one opens it waits for that.
    pub(super) async fn open(
        &self,
        app: &App,
        moment: &Moment,
        only: Option<&[String]>,
    ) -> Result<Arc<Snapshot>> {
        let cell = self.cell(moment, only);
        let opening = cell.get_or_try_init(async || match only {
            None => open(app, moment).await.map(Arc::new),
            Some(only) => {
                let all = Box::pin(self.open(app, moment, None)).await?;
                Ok(Arc::new(all.restricted_to(only)))
            }
        });
        opening.await.cloned()
    }

    fn cell(&self, moment: &Moment, only: Option<&[String]>) -> Cell {
        let mut sources = only.map(<[String]>::to_vec);
        if let Some(sources) = &mut sources {
            sources.sort();
        }
        let key = (identity(moment), sources);
        let mut opened = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // What is not the newest any more is not asked for as such.
        let newest = moment.newest.snapshot;
        opened.retain(|((other, _), _)| other.past.is_some() || other.newest.snapshot >= newest);
        let cell = match opened.iter().position(|(other, _)| *other == key) {
            Some(at) => opened.remove(at).1,
            None => Cell::default(),
        };
        opened.push((key, Arc::clone(&cell)));
        if opened.len() > OPENED_MAX {
            opened.remove(0);
        }
        cell
    }
}

/// The moment without what its snapshot does not depend on.
fn identity(moment: &Moment) -> Moment {
    let mut moment = *moment;
    match moment.past {
        None => moment.as_of = moment.as_of.or(Some(moment.newest.as_of)),
        Some(super::moment::PastMoment::Snapshot(_)) => {
            moment.newest = mrrow_engine::Newest {
                snapshot: 0,
                last_sequence: 0,
                as_of: chrono::NaiveDate::MIN,
            };
        }
        Some(super::moment::PastMoment::KnownAt(_)) => {}
    }
    moment
}

async fn open(app: &App, moment: &Moment) -> Result<Snapshot> {
    Ok(match moment.past {
        Some(past) => app.engine.snapshot_of(past.into(), moment.as_of).await?,
        None => app.engine.snapshot(moment.as_of.or(Some(moment.newest.as_of))).await?,
    })
}
