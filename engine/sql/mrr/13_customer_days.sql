-- mrr.md §5.1, §5.2, §5.4: by how much does a customer's MRR change on a day, and what type of movement is it?
-- One output row is one customer, currency and day on which the MRR changes.
-- Reads: subscription_days.
with
-- Everything on one day nets.
netted as (
  select customer_no, currency, day, cast(sum(mrr_change) as decimal(38, 4)) as amount
  from subscription_days
  group by customer_no, currency, day
  having sum(mrr_change) <> 0
),
-- MRR is never negative, so a customer has some in any currency exactly when the sum over all of them is above zero.
daily as (
  select customer_no, day, sum(amount) as held_change from netted group by customer_no, day
),
held as (
  select
    *,
    sum(held_change) over so_far as held_after,
    row_number() over so_far as day_no
  from daily
  window so_far as (partition by customer_no order by day rows between unbounded preceding and current row)
),
final as (
  select
    n.customer_no,
    n.currency,
    n.day,
    n.amount,
    sum(n.amount) over (
      partition by n.customer_no, n.currency order by n.day rows between unbounded preceding and current row
    ) as mrr_after,
    case
      when h.held_after = h.held_change and h.day_no = 1 then 'new'
      when h.held_after = h.held_change then 'reactivation'
      when h.held_after = 0 then 'churn'
      when n.amount > 0 then 'expansion'
      else 'contraction'
    end as type
  from netted n
  join held h on h.customer_no = n.customer_no and h.day = n.day
)
select * from final
