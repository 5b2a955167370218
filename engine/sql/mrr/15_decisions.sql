-- mrr.md §6: for which as_of is the answer for a customer the same as for this one?
-- One output row is one customer with invoices: its result changes on recompute_on without new data, and is what it is since
-- stable_since; null where nothing hangs on as_of in that direction.
-- Parameters: $as_of. Reads: invoices, lines.
with
customers_here as (
  select distinct data_source, customer_id from invoices
),
final as (
  select
    c.data_source,
    c.customer_id,
    min(l.decided_on) filter (where l.decided_on > $as_of) as recompute_on,
    max(l.decided_on) filter (where l.decided_on <= $as_of) as stable_since
  from customers_here c
  left join lines l on l.data_source = c.data_source and l.customer_id = c.customer_id
  group by c.data_source, c.customer_id
)
select * from final
