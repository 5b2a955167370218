-- design §4: has every id at most one current version, and is that its last one?
-- One output row is one id with several or with another one.
-- Reads: stored_versions, current_versions.
with
last_versions as (
  select object, data_source, id, max(_sequence) as _sequence
  from stored_versions
  group by object, data_source, id
),
final as (
  select c.object, c.data_source, c.id, count(*) as current_versions
  from current_versions c
  left join last_versions l
    on l.object = c.object
    and l.data_source = c.data_source
    and l.id = c.id
    and l._sequence = c._sequence
  group by c.object, c.data_source, c.id
  having count(*) <> 1 or count(l._sequence) <> 1
)
select * from final
