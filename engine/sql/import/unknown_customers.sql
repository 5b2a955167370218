-- mrr.md §1.2: which invoices name a customer that is unknown at the end of the import?
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
  left anti join known k on k.data_source = s.data_source and k.id = s.customer_id
)
select * from final
order by _input, _line
