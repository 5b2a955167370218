-- design §4: which precomputed rows are current?
-- One output row is a row of the last refresh of its customer. Reads: computed, refreshes.
with
last_refreshes as (
  select data_source, customer_id, max(_refresh) as _refresh
  from refreshes
  group by data_source, customer_id
),
final as (
  select c.*
  from computed c
  left semi join last_refreshes r
    on r.data_source = c.data_source and r.customer_id = c.customer_id and r._refresh = c._refresh
)
select * from final
