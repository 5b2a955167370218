-- mrr.md §4.2–4.4: in what order do a subscription's groups follow one another, and how long is a renewal waited for?
-- One output row is one group; inside a subscription `group_no` rises in the order in which groups replace each other.
-- bridge_days is the longest hole that is bridged, wait_days the days after which a missing renewal is a lapse; both null under `never`.
-- Parameters: $grace_days (null under `never`). Reads: counting_invoices.
with
-- Plan and cycles of a group are those of its last counting invoice; it was issued with the earliest of them.
gathered as (
  select
    customer_no,
    subscription_no,
    group_place,
    min(start_on) as start_on,
    min(end_on) as end_on,
    min(issued_at) as issued_at,
    cast(sum(rate) as decimal(38, 4)) as rate,
    max(cycles) filter (where place = group_place) as cycles,
    max(interval_unit) filter (where place = group_place) as interval_unit,
    max(interval_count) filter (where place = group_place) as interval_count,
    -- The grace in millionths of a day (§4.4).
    least(
      min(cycle_millionths),
      1000000 * max(cycle_days) filter (where place = group_place),
      1000000 * cast($grace_days as bigint)
    ) as grace_millionths
  from counting_invoices
  group by customer_no, subscription_no, group_place
),
final as (
  select
    row_number() over (order by subscription_no, start_on, group_place) as group_no,
    customer_no,
    subscription_no,
    group_place,
    start_on,
    end_on,
    issued_at,
    rate,
    cycles,
    interval_unit,
    interval_count,
    case when $grace_days is not null then grace_millionths / 1000000 end as bridge_days,
    case when $grace_days is not null then (grace_millionths + 999999) / 1000000 end as wait_days
  from gathered
)
select * from final
