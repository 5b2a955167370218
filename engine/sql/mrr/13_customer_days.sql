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
held as (
  select
    *,
    sum(amount) over (
      partition by customer_no, currency order by day rows between unbounded preceding and current row
    ) as mrr_after,
    sum(amount) over (
      partition by customer_no order by day range between unbounded preceding and current row
    ) as held_after,
    sum(amount) over (partition by customer_no, day) as held_change,
    min(day) over (partition by customer_no) as first_day
  from netted
),
final as (
  select
    customer_no,
    currency,
    day,
    amount,
    mrr_after,
    case
      when held_after = held_change and day = first_day then 'new'
      when held_after = held_change then 'reactivation'
      when held_after = 0 then 'churn'
      when amount > 0 then 'expansion'
      else 'contraction'
    end as type
  from held
)
select * from final
