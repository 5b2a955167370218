//! Retention: which snapshots are kept, and which files no kept snapshot needs.

use std::collections::{BTreeMap, HashSet};

use chrono::{DateTime, Datelike, NaiveDate, Utc};
use rusqlite::{Connection, Row};

use super::{Catalog, instant};
use crate::catalog::connection::{all, execute};
use crate::config::Retention;
use crate::error::Result;

/// A retained snapshot, as far as retention depends on it.
struct RetainedSnapshot {
    id: i64,
    committed_at: DateTime<Utc>,
    cause: String,
    has_files: bool,
}

impl Catalog {
    /// Deletes the snapshots that are not retained, and returns the paths of the files that no
    /// retained snapshot needs; the catalog names them no more.
    pub(crate) async fn thin(
        &self,
        retention: Retention,
        now: DateTime<Utc>,
        in_use: Vec<i64>,
    ) -> Result<Vec<String>> {
        let (emptied, deleted) = self
            .connections
            .read(move |connection| {
                let sql = "select id, committed_at, cause, files_kept from snapshot order by id";
                let snapshots = all(connection, sql, [], retained_snapshot)?;
                Ok(superfluous(&snapshots, retention, now, in_use))
            })
            .await?;
        // A few statements, however many rows there are: other writers wait meanwhile.
        self.connections.write(move |connection| delete(connection, &emptied, &deleted)).await
    }
}

fn retained_snapshot(row: &Row<'_>) -> Result<RetainedSnapshot> {
    Ok(RetainedSnapshot {
        id: row.get("id")?,
        committed_at: instant(row, "committed_at")?,
        cause: row.get("cause")?,
        has_files: row.get("files_kept")?,
    })
}

/// The snapshots that lose their files, and those that are deleted, as JSON arrays of ids.
fn superfluous(
    snapshots: &[RetainedSnapshot],
    retention: Retention,
    now: DateTime<Utc>,
    in_use: Vec<i64>,
) -> (String, String) {
    let (with_files, without_files) = retained(snapshots, retention, now);
    let with_files: HashSet<i64> = with_files.into_iter().chain(in_use).collect();
    let without_files: HashSet<i64> = without_files.into_iter().collect();
    let others = snapshots.iter().filter(|snapshot| !with_files.contains(&snapshot.id));
    let (emptied, deleted): (Vec<&RetainedSnapshot>, Vec<&RetainedSnapshot>) =
        others.partition(|one| without_files.contains(&one.id));
    let emptied = emptied.into_iter().filter(|snapshot| snapshot.has_files);
    (list(emptied), list(deleted))
}

fn delete(connection: &Connection, emptied: &str, deleted: &str) -> Result<Vec<String>> {
    let empty = "update snapshot set files_kept = 0 where id in (select value from json_each(?1))";
    execute(connection, empty, [emptied])?;
    let delete = "delete from snapshot where id in (select value from json_each(?1))";
    execute(connection, delete, [deleted])?;
    let ended = "delete from data_file
      where end_snapshot is not null and not exists (
        select 1 from snapshot s
        where s.files_kept = 1 and s.id >= data_file.begin_snapshot and s.id < data_file.end_snapshot)
      returning path";
    all(connection, ended, [], |row| Ok(row.get(0)?))
}

/// Ids as a JSON array.
fn list<'s>(snapshots: impl IntoIterator<Item = &'s RetainedSnapshot>) -> String {
    let ids: Vec<String> = snapshots.into_iter().map(|snapshot| snapshot.id.to_string()).collect();
    format!("[{}]", ids.join(","))
}

/// The ids of the snapshots that are kept with their files, and of those kept without.
fn retained(
    snapshots: &[RetainedSnapshot],
    retention: Retention,
    now: DateTime<Utc>,
) -> (Vec<i64>, Vec<i64>) {
    let mut last_of_day: BTreeMap<NaiveDate, i64> = BTreeMap::new();
    let mut last_of_month: BTreeMap<(i32, u32), i64> = BTreeMap::new();
    for snapshot in snapshots {
        let day = snapshot.committed_at.date_naive();
        last_of_day.insert(day, snapshot.id);
        last_of_month.insert((day.year(), day.month()), snapshot.id);
    }
    let (mut with_files, mut without_files) = (Vec::new(), Vec::new());
    // The settings of every instant stay known: those of a change, and those before it.
    let changes_settings = |snapshot: Option<&RetainedSnapshot>| {
        snapshot.is_some_and(|snapshot| snapshot.cause == "settings")
    };
    let mut follows_one_with_files = false;
    for (at, RetainedSnapshot { id, committed_at, cause, .. }) in snapshots.iter().enumerate() {
        let day = committed_at.date_naive();
        // A snapshot is read until the next one takes its place: its age is counted from there.
        let Some(next) = snapshots.get(at + 1) else {
            with_files.push(*id);
            break;
        };
        let age = now - next.committed_at;
        let is_daily = last_of_day.get(&day) == Some(id) && age < retention.daily;
        let is_monthly = last_of_month.get(&(day.year(), day.month())) == Some(id);
        if is_daily || is_monthly || age < retention.files {
            with_files.push(*id);
            follows_one_with_files = true;
            continue;
        }
        // Where the next one is known, a snapshot is known to be the one that an instant saw.
        if std::mem::take(&mut follows_one_with_files)
            || age < retention.snapshots
            || changes_settings(snapshots.get(at))
            || changes_settings(snapshots.get(at + 1))
            || cause == "import" && age < retention.daily
        {
            without_files.push(*id);
        }
    }
    (with_files, without_files)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn snapshot(id: i64, at: &str) -> RetainedSnapshot {
        RetainedSnapshot {
            id,
            committed_at: format!("{at}Z").parse().unwrap(),
            cause: "push".to_string(),
            has_files: true,
        }
    }

    /// Snapshots numbered from 1 at these instants; the numbers kept with files and without, at
    /// noon of 2024-03-10.
    fn check(at: &[&str], with_files: &[i64], without_files: &[i64]) {
        let snapshots: Vec<RetainedSnapshot> =
            at.iter().zip(1..).map(|(at, id)| snapshot(id, at)).collect();
        let now = "2024-03-10T12:00:00Z".parse().unwrap();
        assert_eq!(
            retained(&snapshots, Retention::default(), now),
            (with_files.to_vec(), without_files.to_vec())
        );
    }

    #[test]
    fn the_last_ten_minutes_keep_files_and_the_last_day_its_snapshots() {
        let at = [
            "2024-03-09T10:00:00",
            "2024-03-09T11:00:00",
            "2024-03-09T13:00:00",
            "2024-03-09T14:00:00",
        ];
        check(&at, &[4], &[2, 3]);
        // The first was read until the second took its place nine minutes ago.
        check(
            &["2024-03-10T02:00:00", "2024-03-10T11:51:00", "2024-03-10T11:59:59"],
            &[1, 2, 3],
            &[],
        );
        check(
            &["2024-03-10T02:00:00", "2024-03-10T11:49:00", "2024-03-10T11:59:59"],
            &[2, 3],
            &[1],
        );
    }

    #[test]
    fn the_last_of_a_day_stays_ninety_days_and_that_of_a_month_for_ever() {
        check(&["2023-12-20T00:00:00", "2023-12-20T01:00:00", "2023-12-21T00:00:00"], &[2, 3], &[]);
        check(&["2020-01-01T00:00:00", "2020-01-31T00:00:00", "2020-02-01T00:00:00"], &[2, 3], &[]);
    }

    #[test]
    fn the_settings_of_every_instant_stay_known() {
        let mut snapshots = [
            snapshot(1, "2020-01-01T00:00:00"),
            snapshot(2, "2020-01-01T01:00:00"),
            snapshot(3, "2020-01-01T02:00:00"),
            snapshot(4, "2020-01-01T03:00:00"),
            snapshot(5, "2020-01-31T00:00:00"),
        ];
        snapshots[2].cause = "settings".to_string();
        let now = "2024-03-10T12:00:00Z".parse().unwrap();
        assert_eq!(retained(&snapshots, Retention::default(), now), (vec![5], vec![2, 3]));
    }
}
