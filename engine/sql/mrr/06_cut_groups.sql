-- mrr.md §4.5: which groups are cut or settled by a cancellation? Void groups are left out: they take no further part.
-- One output row is one group that is not void; cut_on is the earliest E that cuts it, settled_on the earliest that settles it.
-- Reads: groups, cancellations.
with
-- The earliest E of the cancellations that know a group: those after it in the line of instants …
by_instant as (
  select
    group_no,
    min(ends_on) over (
      partition by subscription_no order by issued_at desc, turn desc rows between unbounded preceding and current row
    ) as cut_on
  from (
    select subscription_no, issued_at, 1 as turn, group_no, null as ends_on from groups
    union all
    select subscription_no, issued_at, turn, null, ends_on from cancellations
  )
),
-- … and those on a day after its start.
by_day as (
  select
    group_no,
    min(ends_on) over (
      partition by subscription_no order by day desc, turn desc rows between unbounded preceding and current row
    ) as cut_on
  from (
    select subscription_no, start_on as day, 1 as turn, group_no, null as ends_on from groups
    union all
    select subscription_no, issued_on, 0, null, ends_on from cancellations
  )
),
-- A cut is before the group's end; at or before its start it leaves nothing.
cut as (
  select g.*, case when least(i.cut_on, d.cut_on) < g.end_on then least(i.cut_on, d.cut_on) end as cut_on
  from groups g
  join by_instant i on i.group_no = g.group_no
  join by_day d on d.group_no = g.group_no
),
standing as (
  select * from cut where cut_on is null or cut_on > start_on
),
-- The last group that a cancellation knows, of those that are not void, is settled by it.
settling_by_instant as (
  select
    subscription_no,
    place,
    max(group_no) over (
      partition by subscription_no order by issued_at, turn rows between unbounded preceding and current row
    ) as group_no
  from (
    select subscription_no, issued_at, 1 as turn, group_no, null as place from standing
    union all
    select subscription_no, issued_at, turn, null, place from cancellations
  )
),
settling_by_day as (
  select
    subscription_no,
    place,
    max(group_no) over (
      partition by subscription_no order by day, turn rows between unbounded preceding and current row
    ) as group_no
  from (
    select subscription_no, start_on as day, 1 as turn, group_no, null as place from standing
    union all
    select subscription_no, issued_on, 0, null, place from cancellations
  )
),
settled as (
  select greatest(i.group_no, d.group_no) as group_no, min(c.ends_on) as settled_on
  from cancellations c
  join settling_by_instant i on i.subscription_no = c.subscription_no and i.place = c.place
  join settling_by_day d on d.subscription_no = c.subscription_no and d.place = c.place
  group by greatest(i.group_no, d.group_no)
),
final as (
  select g.*, s.settled_on
  from standing g
  left join settled s on s.group_no = g.group_no
)
select * from final
