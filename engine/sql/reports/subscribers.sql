-- When did each customer begin to pay, when did its MRR last change, and what is it?
-- One output row is one customer and currency; `mrr` is in its minor units. A customer that never
-- paid has no row.
-- Parameters: $source, $customer (null: any). Reads: movements.
with
final as (
  select
    data_source,
    customer_id,
    currency,
    min(date) as paid_from,
    max(date) as changed_on,
    sum(amount) as mrr
  from movements
  where ($source is null or data_source = $source)
    and ($customer is null or customer_id = $customer)
  group by data_source, customer_id, currency
)
select * from final
order by data_source, customer_id, currency
