-- The catalog: which Parquet files make up each table in each snapshot, and the settings each snapshot was made with.

-- A snapshot is everything at one moment; `as_of` and `settings` are those its precomputed tables were made with.
create table snapshot (
    id integer primary key,
    -- Microseconds since 1970, UTC; it rises from snapshot to snapshot, whatever the clock does.
    committed_at integer not null unique,
    as_of text not null,
    settings text not null,
    -- The greatest `_sequence` given out.
    last_sequence integer not null,
    -- The greatest refresh number given out.
    last_refresh integer not null,
    -- What made it: import or settings.
    cause text not null
);

-- A data file lives from begin_snapshot until before end_snapshot; null while it is current.
create table data_file (
    id integer primary key,
    table_name text not null,
    path text not null unique,
    rows integer not null,
    bytes integer not null,
    -- How many rows of older files its rows take the place of; while a table's sum is 0, every row is current.
    superseded_rows integer not null,
    begin_snapshot integer not null references snapshot (id),
    end_snapshot integer references snapshot (id)
);
create index data_file_live on data_file (table_name, begin_snapshot, end_snapshot);

create table data_source (
    id text primary key,
    name text not null,
    -- Microseconds since 1970, UTC.
    created_at integer not null
);
