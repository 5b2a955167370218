-- design §4: does the id index name the current version of every id?
-- One output row is one id with another version or none. Reads: current_versions, indexed_ids.
with
last_entries as (
  select
    object,
    _key,
    last_value(_sequence order by _sequence) as _sequence,
    last_value(_hash order by _sequence) as _hash,
    last_value(_deleted order by _sequence) as _deleted,
    last_value(customer_id order by _sequence) as customer_id
  from indexed_ids
  group by object, _key
),
live as (
  select * from last_entries where not _deleted
),
final as (
  select
    coalesce(c.object, l.object) as object,
    c.data_source,
    c.id,
    c._sequence,
    l._sequence as indexed_sequence
  from current_versions c
  full outer join live l on l.object = c.object and l._key = c._key
  where c.id is null or l._key is null or c._sequence <> l._sequence or c._hash <> l._hash
    or (c.customer_id is distinct from l.customer_id)
)
select * from final
