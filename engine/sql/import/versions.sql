-- What does each staged customer or plan do to the stored one of its id?
-- One output row is one staged row. `_status` compares it with the version before it, staged or stored; it is `_kept` when it is
-- the last of its id in the import and its content differs from what is stored. Reads: staged, stored.
with
ranked as (
  select
    *,
    lag(_hash) over versions as _previous_hash,
    lead(_sequence) over versions is null as _is_last
  from staged
  window versions as (partition by data_source, id order by _sequence)
),
compared as (
  select r.*, o._hash as _stored_hash, coalesce(r._previous_hash, o._hash) as _before
  from ranked r
  left join stored o on o.data_source = r.data_source and o.id = r.id
),
final as (
  select
    *,
    case when _before is null then 'created' when _before = _hash then 'unchanged' else 'updated' end as _status,
    _is_last and (_stored_hash is null or _stored_hash <> _hash) as _kept,
    _stored_hash is not null as _supersedes
  from compared
)
select * from final
order by data_source, id
