-- mrr.md §4, §5: do the lines give the MRR after the last movement of every customer and currency?
-- One output row is one customer and currency where it is not. Reads: all_movements, mrr_lines.
with
-- A subscription's MRR at the end of time is the sum of its open lines; below 0.01 it counts as 0.
subscriptions as (
  select
    data_source,
    customer_id,
    currency,
    coalesce(subscription_id, '') as subscription_id,
    sum(mrr) as mrr
  from mrr_lines
  where until_on is null
  group by data_source, customer_id, currency, coalesce(subscription_id, '')
),
open_lines as (
  select
    data_source,
    customer_id,
    currency,
    sum(case when mrr < 0.01 then 0.0000 else mrr end) as mrr
  from subscriptions
  group by data_source, customer_id, currency
),
balances as (
  select data_source, customer_id, currency, sum(amount) as mrr
  from all_movements
  group by data_source, customer_id, currency
)
select
  coalesce(b.data_source, l.data_source) as data_source,
  coalesce(b.customer_id, l.customer_id) as customer_id,
  coalesce(b.currency, l.currency) as currency,
  b.mrr as by_movements,
  l.mrr as by_lines
from balances b
full outer join open_lines l
  on l.data_source = b.data_source and l.customer_id = b.customer_id and l.currency = b.currency
where coalesce(b.mrr, 0.0000) <> coalesce(l.mrr, 0.0000)
