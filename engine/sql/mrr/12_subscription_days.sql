-- mrr.md §4: on which days does a subscription's MRR change, and by how much?
-- One output row is one subscription and day on which its MRR changes.
-- Reads: lines.
with
-- A line adds its rate on the day on which it begins and takes it away on the day on which it ends; most renewals net to nothing.
netted as (
  select customer_no, subscription_no, currency, day, cast(sum(rate) as decimal(38, 4)) as change
  from (
    select customer_no, subscription_no, currency, start_on as day, mrr as rate from lines
    union all
    select customer_no, subscription_no, currency, until_on, -mrr from lines where until_on is not null
  )
  group by customer_no, subscription_no, currency, day
  having sum(rate) <> 0
),
-- A subscription's MRR is the sum of its lines; below 0.01 it counts as 0.
summed as (
  select
    *,
    sum(change) over (
      partition by subscription_no order by day rows between unbounded preceding and current row
    ) as lines_total
  from netted
),
counted as (
  select *, case when lines_total < 0.01 then 0.0000 else lines_total end as mrr_after from summed
),
compared as (
  select
    *,
    mrr_after - lag(mrr_after, 1, 0.0000) over (partition by subscription_no order by day) as mrr_change
  from counted
),
final as (
  select customer_no, subscription_no, currency, day, mrr_change
  from compared
  where mrr_change <> 0
)
select * from final
