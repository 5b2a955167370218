-- Which staged invoices are of a known customer?
-- One output row is one staged invoice. Reads: staged_invoices, staged_customers, customers.
with
known as (
  select data_source, id from customers
  union all
  select data_source, id from staged_customers
),
final as (
  select s.*
  from staged_invoices s
  left semi join known k on k.data_source = s.data_source and k.id = s.customer_id
)
select * from final
