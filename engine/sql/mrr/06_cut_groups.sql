-- mrr.md §4.5: which groups are cut or settled by a cancellation? Void groups are left out: they take no further part.
-- One output row is one group that is not void; cut_on is the earliest E that cuts it, settled_on the earliest that settles it.
-- Reads: groups, cancellations.
with
cancelled as (
  select distinct subscription_no from cancellations
),
-- Groups and cancellations in the line of instants (issued_at, turn) and in that of days (day, day_turn); only a subscription
-- with cancellations is looked at.
lined_up as (
  select g.subscription_no, g.issued_at, 1 as turn, g.start_on as day, 1 as day_turn, g.group_no, g.end_on, null as ends_on
  from cancelled c
  join groups g on g.subscription_no = c.subscription_no
  union all
  select subscription_no, issued_at, turn, issued_on, 0, null, null, ends_on from cancellations
),
-- The earliest E of the cancellations that know a group: those after it in either line.
ending as (
  select
    *,
    least(
      min(ends_on) over (
        partition by subscription_no order by issued_at desc, turn desc rows between unbounded preceding and current row
      ),
      min(ends_on) over (
        partition by subscription_no order by day desc, day_turn desc rows between unbounded preceding and current row
      )
    ) as earliest_on
  from lined_up
),
-- A cut is before the group's end; at or before its start it leaves nothing, and the group is void.
cut as (
  select
    *,
    case when earliest_on < end_on then earliest_on end as cut_on,
    case when earliest_on < end_on and earliest_on <= day then null else group_no end as standing_no
  from ending
),
-- The last group that a cancellation knows, of those that are not void, is settled by it.
settling as (
  select
    *,
    greatest(
      max(standing_no) over (
        partition by subscription_no order by issued_at, turn rows between unbounded preceding and current row
      ),
      max(standing_no) over (
        partition by subscription_no order by day, day_turn rows between unbounded preceding and current row
      )
    ) as settled_no
  from cut
),
-- What was found for a group, on its own row and on those of the cancellations that settle it.
found as (
  select
    coalesce(group_no, settled_no) as group_no,
    min(cut_on) as cut_on,
    min(ends_on) as settled_on,
    bool_or(group_no is not null and standing_no is null) as is_void
  from settling
  group by coalesce(group_no, settled_no)
),
final as (
  select g.*, f.cut_on, f.settled_on
  from found f
  right join groups g on g.group_no = f.group_no
  where f.is_void is not true
)
select * from final
