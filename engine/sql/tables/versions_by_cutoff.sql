-- design §4: which version of each record was current at a moment of the past?
-- One output row is the last version of its id among those known then, unless it is a tombstone.
-- Parameters: $last_sequence, the last version published by then; $received_until and $received_at,
-- versions received by then whose publication no retained snapshot dates.
-- Reads: versions, including superseded ones.
with
known as (
  select *
  from versions
  where _sequence <= $last_sequence
    or (_sequence <= $received_until and _received_at <= $received_at)
),
ranked as (
  select *, row_number() over (partition by data_source, id order by _sequence desc) as _age
  from known
),
final as (
  select * except (_age)
  from ranked
  where _age = 1 and not _deleted
)
select * from final
