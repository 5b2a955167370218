//! Plans compactions: many deltas of similar size are merged; a delta that is large compared with
//! the base is folded into it.

use std::collections::BTreeMap;

use super::{CompactionJob, CompactionKind};
use crate::files::{DataFile, FILE_ROWS, Layer};
use crate::model::ObjectType;
use crate::store::SnapshotFiles;
use crate::tables::Table;

/// This number of delta files of similar size is merged.
const MERGE_FILES: usize = 8;
/// Two files differ in size if one has this many times the rows of the other.
const TIER_RATIO: i64 = 8;
/// A delta is folded if it has one part in this many of the base's rows …
const FOLD_SHARE: i64 = 4;
/// … and at least this number of rows, so that a small store is not rewritten repeatedly.
const FOLD_ROWS_MIN: i64 = 50_000;

/// Tables that are folded together, because the current rows of one depend on another.
type TableGroup = (CompactionKind, Vec<Table>);

fn groups() -> Vec<TableGroup> {
    let mut groups = vec![(CompactionKind::FoldPrecomputed, Table::PRECOMPUTED.to_vec())];
    for object in ObjectType::ALL {
        for table in [Table::Records(object), Table::Ids(object)] {
            groups.push((CompactionKind::Fold(table), vec![table]));
        }
    }
    groups
}

/// A job for every table that has a delta.
pub(crate) fn all_jobs(pinned: &SnapshotFiles) -> Vec<CompactionJob> {
    groups().into_iter().filter_map(|group| fold(pinned, &group, 1)).collect()
}

/// The compactions that are due; no two share a file.
pub(crate) fn due_jobs(pinned: &SnapshotFiles) -> Vec<CompactionJob> {
    let mut jobs = Vec::new();
    for group in groups() {
        let base_rows: i64 = of(pinned, &group.1, Layer::Base).iter().map(|file| file.rows).sum();
        match fold(pinned, &group, FOLD_ROWS_MIN.max(base_rows / FOLD_SHARE)) {
            Some(job) => jobs.push(job),
            None => {
                jobs.extend(group.1.iter().filter_map(|table| merge(pinned, *table, Layer::Delta)))
            }
        }
        jobs.extend(group.1.iter().filter_map(|table| merge(pinned, *table, Layer::History)));
    }
    jobs
}

/// Base and delta of a group, if the delta has at least this number of rows.
fn fold(
    pinned: &SnapshotFiles,
    (kind, tables): &TableGroup,
    rows_min: i64,
) -> Option<CompactionJob> {
    let delta = of(pinned, tables, Layer::Delta);
    if delta.iter().map(|file| file.rows).sum::<i64>() < rows_min {
        return None;
    }
    let mut files = of(pinned, tables, Layer::Base);
    files.extend(delta);
    Some(CompactionJob { kind: *kind, files })
}

/// Files of one layer of a table and of similar size, if there are many.
fn merge(pinned: &SnapshotFiles, table: Table, layer: Layer) -> Option<CompactionJob> {
    let mut tiers: BTreeMap<u32, Vec<DataFile>> = BTreeMap::new();
    for file in of(pinned, &[table], layer) {
        // Merging files of the final size would not reduce their number.
        if file.rows < FILE_ROWS / TIER_RATIO {
            tiers.entry(file.rows.max(1).ilog(TIER_RATIO)).or_default().push(file);
        }
    }
    let files = tiers.into_values().find(|files| files.len() >= MERGE_FILES)?;
    Some(CompactionJob { kind: CompactionKind::Merge(table, layer), files })
}

fn of(pinned: &SnapshotFiles, tables: &[Table], layer: Layer) -> Vec<DataFile> {
    pinned
        .files
        .iter()
        .filter(|file| tables.contains(&file.table) && file.layer == layer)
        .cloned()
        .collect()
}
