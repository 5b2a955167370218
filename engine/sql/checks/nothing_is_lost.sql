-- design §4: is the last version of every id current, unless it is a tombstone?
-- One output row is one last version that is neither. Reads: stored_versions, current_versions.
with
ranked as (
  select *, row_number() over (partition by object, data_source, id order by _sequence desc) as _age
  from stored_versions
)
select r.object, r.data_source, r.id, r._sequence, r.layer
from ranked r
left anti join current_versions c on c.object = r.object and c._sequence = r._sequence
where r._age = 1 and not r._deleted
