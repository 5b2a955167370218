-- The rows of a request are its largest column by far: with them last, SQLite reads the others without going through them.

create table inbox_with_rows_last (
    -- The `_sequence` of its first row.
    first_sequence integer primary key,
    last_sequence integer not null,
    -- The `_sequence` of the last row of the request, of whatever type: it is published whole.
    request_last_sequence integer not null,
    object text not null,
    -- What the rows take in memory; `rows` may be compressed.
    memory_bytes integer not null,
    rows blob not null
);

insert into inbox_with_rows_last
select first_sequence, last_sequence, coalesce(request_last_sequence, last_sequence), object,
       case when memory_bytes > 0 then memory_bytes else 8 * length(rows) end, rows
from inbox;

drop table inbox;

alter table inbox_with_rows_last rename to inbox;
