-- design §4: which version of each record is current?
-- One output row is the last received version of one id, unless it is a tombstone. Reads: versions.
with
ranked as (
  select *, row_number() over (partition by data_source, id order by _sequence desc) as _age
  from versions
),
final as (
  select * except (_age)
  from ranked
  where _age = 1 and not _deleted
)
select * from final
