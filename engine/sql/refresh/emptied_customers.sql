-- Which of the changed customers have no invoices (any more)?
-- One output row is one changed customer whose result is empty; its older rows are superseded by that.
-- Reads: changed, customers, invoices.
with
billed as (
  select i.data_source, i.customer_id
  from invoices i
  left semi join customers c on c.data_source = i.data_source and c.id = i.customer_id
)
select x.data_source, x.customer_id, cast(null as date) as recompute_on, cast(null as date) as stable_since
from changed x
left anti join billed b on b.data_source = x.data_source and b.customer_id = x.customer_id
order by x.data_source, x.customer_id
