-- mrr.md §4.10: which changes differ from the renewal that follows by no more than the billing system's own rounding?
-- One output row is one change, its rate with the noise taken off.
-- Reads: changes, live_groups.
with
-- The changes that a next group takes over: those that reach the end of their group, and those alone, by the day it starts.
taken_over as (
  select
    c.subscription_no,
    c.place,
    c.start_on,
    c.group_no,
    c.until_on,
    c.rate,
    c.uncertain,
    coalesce(g.rate, 0.0000) as group_rate,
    taker.rate as next_rate
  from changes c
  left join live_groups g on g.group_no = c.group_no
  join live_groups taker on taker.subscription_no = c.subscription_no and taker.start_on = c.until_on
  where c.reaches or c.group_no is null
),
-- Changes of one group, or alone until one day, are weighed together; the last of them takes the difference.
weighed as (
  select
    place,
    group_rate + sum(rate) over together - next_rate as difference,
    sum(uncertain) over together as uncertain,
    row_number() over (partition by subscription_no, group_no, until_on order by start_on desc, place desc) as from_last
  from taken_over
  window together as (partition by subscription_no, group_no, until_on)
),
noise as (
  select place, difference
  from weighed
  where from_last = 1 and difference <> 0 and abs(difference) <= uncertain
),
final as (
  select
    c.subscription_no,
    c.subscription_id,
    c.place,
    c.start_on,
    c.until_on,
    c.ended_by,
    c.decided_on,
    cast(c.rate - coalesce(n.difference, 0) as decimal(38, 4)) as rate
  from changes c
  left join noise n on n.place = c.place
)
select * from final
