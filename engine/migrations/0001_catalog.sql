-- The catalog: which Parquet files make up each table in each snapshot, the settings each snapshot was made with, and the
-- acknowledged pushes that are not yet in a file.

-- A snapshot is everything at one moment; `as_of` and `settings` are those its precomputed tables were made with.
create table snapshot (
    id integer primary key,
    -- Microseconds since 1970, UTC; it rises from snapshot to snapshot, whatever the clock does.
    committed_at integer not null unique,
    as_of text not null,
    settings text not null,
    -- The rows with a `_sequence` from first to last came with it; all rows up to last are in it.
    first_sequence integer not null,
    last_sequence integer not null,
    -- The greatest refresh number given out.
    last_refresh integer not null,
    -- What made it: push, import, settings, day or compaction.
    cause text not null,
    -- 0 once files of it are removed; its tables can then be had again from the history only.
    files_kept integer not null default 1
);

create index snapshot_with_files on snapshot (id) where files_kept = 1;

-- A data file lives from begin_snapshot until before end_snapshot; null while it is current.
create table data_file (
    id integer primary key,
    table_name text not null,
    path text not null unique,
    -- base: rows without older versions among them; delta: rows that lie over the base; history: superseded versions.
    layer text not null,
    -- Its rows are of the customers whose hash begins with these bits.
    bucket_bits integer not null,
    bucket integer not null,
    rows integer not null,
    bytes integer not null,
    -- How many rows of other files its rows take the place of.
    superseded_rows integer not null,
    begin_snapshot integer not null,
    end_snapshot integer
);
create index data_file_live on data_file (end_snapshot, begin_snapshot);

-- Acknowledged pushes: the rows of one type in one request, as an Arrow IPC stream. A request goes into a snapshot whole.
create table inbox (
    -- The `_sequence` of its first row.
    first_sequence integer primary key,
    last_sequence integer not null,
    object text not null,
    rows blob not null
);

create table data_source (
    id text primary key,
    name text not null,
    -- Microseconds since 1970, UTC.
    created_at integer not null
);

-- The settings as they were last set; the writer recomputes what follows from them.
create table wanted_settings (
    only_row integer primary key check (only_row = 1),
    settings text not null
);
