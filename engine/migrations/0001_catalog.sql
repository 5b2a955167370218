-- The catalog: which Parquet files make up each table in each snapshot, the settings each snapshot was made with, the acknowledged
-- pushes that are not yet in a file, and what is small and transactional besides: data sources, keys, jobs, plan groups.

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
    -- What feeds it: api, csv, manual, or the name of a billing system.
    kind text not null default 'api',
    -- Microseconds since 1970, UTC.
    created_at integer not null,
    updated_at integer not null,
    -- A deleted source takes no records; what it has sent stays until that is deleted too.
    deleted_at integer
);

-- Where and how a data source's records are fetched.
create table pull (
    data_source text primary key,
    -- What may be shown, as JSON: endpoint, types, schedule, kind of authentication.
    settings text not null,
    -- The credentials, encrypted by who wrote them; null where there are none.
    sealed_credentials blob,
    updated_at integer not null
);

-- Keys of the HTTP API. The key itself is not here.
create table api_key (
    id text primary key,
    name text not null,
    -- SHA-256 of the key.
    hash blob not null unique,
    role text not null,
    -- A JSON array of the data sources it is restricted to; null for all.
    data_sources text,
    created_at integer not null,
    expires_at integer,
    revoked_at integer
);

-- Long work: uploads and pulls, as far as they have come.
create table job (
    id text primary key,
    -- import or pull.
    kind text not null,
    data_source text not null,
    -- waiting, running, done, failed, canceled or interrupted.
    state text not null,
    -- What there is to tell of it, as JSON.
    detail text not null,
    created_at integer not null,
    updated_at integer not null
);
create index job_of_source on job (data_source, kind, created_at);

-- Groups of plans as senders name them; every version is kept.
create table plan_group (
    id text not null,
    -- Microseconds since 1970, UTC; the newest version counts.
    changed_at integer not null,
    deleted integer not null default 0,
    -- Name, plans and selector, as JSON.
    definition text not null,
    primary key (id, changed_at)
);

-- The answers to requests that named a key, so that a repetition is answered and not carried out again.
create table idempotency_key (
    -- Whose key it is: a hash of the API key and the route.
    scope text not null,
    key text not null,
    -- Of the request's content; another content under the same key is refused.
    fingerprint blob not null,
    -- The acknowledgement, as JSON.
    answer text not null,
    created_at integer not null,
    primary key (scope, key)
) without rowid;
create index idempotency_key_age on idempotency_key (created_at);

-- The settings as they were last set; the writer recomputes what follows from them.
create table wanted_settings (
    only_row integer primary key check (only_row = 1),
    settings text not null
);
