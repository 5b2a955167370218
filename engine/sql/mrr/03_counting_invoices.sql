-- mrr.md §4.2: which regular invoices count, and in which group?
-- One output row is one counting invoice; `group_place` is the place of the greatest invoice of its group and names the group.
-- Reads: coverage.
with
-- Regular invoices of one start instant and one end day form a group; of each plan the last counts, the others are add-ons.
placed as (
  select
    *,
    max(place) over (partition by subscription_no, starts_at, end_on) as group_place,
    max(place) over (partition by subscription_no, starts_at, end_on, plan_id) as plan_place
  from coverage
  where role = 'regular'
),
final as (
  select *, round_ratio(rate_numerator, rate_denominator) as rate
  from placed
  where place = plan_place
)
select * from final
