-- What does each staged invoice do to the stored one of its id?
-- One output row is one staged row, as in versions.sql; `_left_customer_id` is the customer that an invoice is moved away from.
-- Rows come in the order of the main query: customer, subscription, date. Reads: staged, stored.
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
  select
    r.*,
    o._hash as _stored_hash,
    coalesce(r._previous_hash, o._hash) as _before,
    case when o.customer_id <> r.customer_id then o.customer_id end as _left_customer_id
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
order by data_source, customer_id, subscription_id, invoice_date, id
