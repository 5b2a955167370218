-- mrr.md §6: are the stored decisions, the as_of for which each customer's rows hold, those of a
-- rebuild from nothing?
-- One output row is one customer with different ones. Reads: refreshes, rebuilt_refreshes.
with
-- A customer whose rows hold for every as_of may have a row without dates, or no row.
stored as (
  select data_source, customer_id, recompute_on, stable_since
  from refreshes
  where recompute_on is not null or stable_since is not null
),
rebuilt as (
  select data_source, customer_id, recompute_on, stable_since
  from rebuilt_refreshes
  where recompute_on is not null or stable_since is not null
)
select
  coalesce(s.data_source, r.data_source) as data_source,
  coalesce(s.customer_id, r.customer_id) as customer_id,
  s.recompute_on as stored_recompute_on,
  r.recompute_on as rebuilt_recompute_on,
  s.stable_since as stored_stable_since,
  r.stable_since as rebuilt_stable_since
from stored s
full outer join rebuilt r on r.data_source = s.data_source and r.customer_id = s.customer_id
where (s.recompute_on is distinct from r.recompute_on)
  or (s.stable_since is distinct from r.stable_since)
order by data_source, customer_id
