-- The inbox is published in steps, each of whole requests.

-- The `_sequence` of the last row of the request, of whatever type; in rows of before, `last_sequence`.
alter table inbox add column request_last_sequence integer;
-- What the rows take in memory, where `rows` is compressed.
alter table inbox add column memory_bytes integer not null default 0;
