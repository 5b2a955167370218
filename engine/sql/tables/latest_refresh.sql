-- design §4: which precomputed rows are current?
-- One output row is a row of the last refresh of its customer.
-- Reads: base, delta (rows computed since), refreshed (the refreshes of the delta).
-- Anti- and semi-joins: `last_refreshes` is small, and no row of the others is sorted or repeated.
with
last_refreshes as (
  select data_source, customer_id, max(_refresh) as _refresh
  from refreshed
  group by data_source, customer_id
),
untouched as (
  select b.*
  from base b
  left anti join last_refreshes r on r.data_source = b.data_source and r.customer_id = b.customer_id
),
recomputed as (
  select d.*
  from delta d
  left semi join last_refreshes r
    on r.data_source = d.data_source and r.customer_id = d.customer_id and r._refresh = d._refresh
),
final as (
  select * from untouched
  union all
  select * from recomputed
)
select * from final
