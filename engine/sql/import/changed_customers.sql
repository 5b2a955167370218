-- design §4: whose movements may an import have changed?
-- One output row is one customer: named in the data, invoiced on a changed plan, left behind by a moved invoice, or with a
-- grace that ran out since the last refresh. Parameters: $as_of.
-- Reads: new_customers, new_plans, new_invoices, left_behind, invoices, refreshes.
with
named as (
  select data_source, id as customer_id from new_customers
  union all
  select data_source, customer_id from new_invoices
  union all
  select i.data_source, i.customer_id
  from invoices i
  left semi join new_plans p on p.data_source = i.data_source and p.id = i.plan_id
  union all
  select data_source, customer_id from left_behind
  union all
  select data_source, customer_id from refreshes where recompute_on <= $as_of or stable_since > $as_of
),
final as (
  select distinct data_source, customer_id from named
)
select * from final
