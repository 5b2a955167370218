-- mrr.md §4, §5.5: on which days does a subscription's MRR change, and what began or ended then?
-- One output row is one subscription and day on which a line begins or ends.
-- Reads: lines.
with
events as (
  select *, start_on as day, true as begins, mrr as change from lines
  union all
  select *, until_on as day, false, -mrr as change from lines where until_on is not null
),
-- The plans of the group that ended and of the group that began.
plan_days as (
  select
    subscription_no,
    day,
    plan_id,
    bool_or(not begins) as was,
    bool_or(begins) as is_now
  from events
  where rule = 'invoice'
  group by subscription_no, day, plan_id
),
plans_compared as (
  select
    subscription_no,
    day,
    count(*) filter (where was and is_now) as plans_kept,
    count(*) filter (where was <> is_now) as plans_changed
  from plan_days
  group by subscription_no, day
),
happened as (
  select
    customer_no,
    subscription_no,
    currency,
    day,
    cast(sum(change) as decimal(38, 4)) as change,
    bool_or(begins) as any_begins,
    bool_or(not begins) as any_ends,
    bool_or(begins and rule = 'invoice') as invoice_begins,
    bool_or(not begins and rule = 'invoice') as invoice_ends,
    bool_or(begins and rule = 'refund') as refund_begins,
    bool_or(not begins and rule = 'refund') as refund_ends,
    bool_or(begins and rule = 'proration') as proration_begins,
    bool_or(not begins and rule = 'proration') as proration_ends,
    bool_or(not begins and ended_by = 'cancellation') as cancelled,
    bool_or(not begins and ended_by = 'lapse') as lapsed,
    max(case when not begins and is_main then interval_count || ' ' || interval_unit end) as cycle_was,
    max(case when begins and is_main then interval_count || ' ' || interval_unit end) as cycle_is,
    sum(case when rule <> 'invoice' then 0 when begins then quantity else -quantity end) as quantity_change,
    sum(case when rule <> 'invoice' then 0 when begins then discount else -discount end) as discount_change
  from events
  group by customer_no, subscription_no, currency, day
),
-- A subscription's MRR is the sum of its lines; below 0.01 it counts as 0.
summed as (
  select
    *,
    sum(change) over (
      partition by subscription_no order by day rows between unbounded preceding and current row
    ) as lines_total
  from happened
),
counted as (
  select *, case when lines_total < 0.01 then 0.0000 else lines_total end as mrr_after from summed
),
final as (
  select
    c.*,
    c.mrr_after - lag(c.mrr_after, 1, 0.0000) over (partition by c.subscription_no order by c.day) as mrr_change,
    coalesce(p.plans_kept, 0) as plans_kept,
    coalesce(p.plans_changed, 0) as plans_changed
  from counted c
  left join plans_compared p on p.subscription_no = c.subscription_no and p.day = c.day
)
select * from final
