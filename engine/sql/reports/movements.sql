-- Which movements are in a range of days?
-- One output row is one movement; scheduled ones, dated after as_of, only on request.
-- Parameters: $from, $to, $customer (ID or SOURCE/ID; null: any), $scheduled.
-- Reads: movements, scheduled_movements.
with
all_movements as (
  select *, false as scheduled from movements
  union all
  select *, true as scheduled from scheduled_movements where $scheduled
),
final as (
  select
    date, data_source, customer_id, currency, type, amount, mrr_after, scheduled,
    cause, subtype, voluntary, invoice_ids
  from all_movements
  where ($from is null or date >= $from)
    and ($to is null or date <= $to)
    and (
      $customer is null
      or customer_id = $customer
      or data_source || '/' || customer_id = $customer
    )
)
select * from final
order by date, data_source, customer_id, currency
