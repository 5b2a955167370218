-- mrr.md §4.2: which regular invoices count, and in which group?
-- One output row is one counting invoice; `group_place` is the place of the greatest invoice of its group and names the group.
-- Reads: coverage.
with
-- Regular invoices of one start instant and one end day form a group. In it the last of each plan counts; the others are add-ons.
last_of_plan as (
  select subscription_no, starts_at, end_on, max(place) as place
  from coverage
  where role = 'regular'
  group by subscription_no, starts_at, end_on, plan_id
),
grouped as (
  select subscription_no, starts_at, end_on, max(place) as group_place
  from last_of_plan
  group by subscription_no, starts_at, end_on
),
final as (
  select
    c.customer_no,
    c.subscription_no,
    c.subscription_id,
    c.place,
    g.group_place,
    c.plan_id,
    c.interval_unit,
    c.interval_count,
    c.charged,
    c.issued_at,
    c.start_on,
    c.end_on,
    c.cycle_days,
    c.cycle_millionths,
    c.cycles,
    c.rate_numerator,
    c.rate_denominator,
    round_ratio(c.rate_numerator, c.rate_denominator) as rate
  from last_of_plan l
  join grouped g on g.subscription_no = l.subscription_no and g.starts_at = l.starts_at and g.end_on = l.end_on
  join coverage c on c.place = l.place
)
select * from final
