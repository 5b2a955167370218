-- mrr.md §4.7–4.9: which group does each proration change, or does it stand alone, and for how long?
-- One output row is one change that has a line over [start_on, until_on); group_no is null when it stands alone.
-- `reaches` says that it runs to the group's end; `uncertain` is u of §4.10.
-- Parameters: $as_of, $churn_recognition, $grace_days (null under `never`). Reads: coverage, live_groups, cancellations.
with
changes as (
  select * from coverage where role = 'change'
),
changed as (
  select distinct subscription_no from changes
),
-- Groups and changes in the line of days; on one day the groups stand first.
lined_up as (
  select g.subscription_no, g.start_on, 0 as turn, g.group_no, g.start_on as group_start_on, null as place
  from changed c
  join live_groups g on g.subscription_no = c.subscription_no
  union all
  select subscription_no, start_on, 1, null, null, place from changes
),
-- The live group that starts last by the change's day, and the start of the first one after it.
between_groups as (
  select
    place,
    max(group_no) over (
      partition by subscription_no order by start_on, turn rows between unbounded preceding and current row
    ) as group_no,
    min(group_start_on) over (
      partition by subscription_no order by start_on desc, turn desc rows between unbounded preceding and current row
    ) as next_group_on
  from lined_up
),
-- §4.7: a change belongs to the group that runs over its day; on the group's first day, if it is positive or a credit for the
-- whole of it; a positive one without a group stands alone; the rest is dropped.
placed as (
  select
    c.subscription_no,
    c.place,
    c.start_on,
    c.end_on,
    c.issued_at,
    b.next_group_on,
    g.group_no,
    g.start_on as group_start_on,
    g.end_on as group_end_on,
    g.until_on as group_until_on,
    g.ended_by as group_ended_by,
    g.cycles as group_cycles,
    g.interval_unit = c.interval_unit and g.interval_count = c.interval_count as same_cycle,
    least(c.cycle_millionths, 1000000 * c.cycle_days, 1000000 * cast($grace_days as bigint)) as grace_millionths,
    case
      when g.group_no is null or c.start_on >= g.until_on then case when c.amount > 0 then 'alone' end
      when g.start_on = c.start_on
        then case when c.amount > 0 or (c.amount < 0 and c.end_on = g.end_on) then 'in_group' end
      when c.start_on < g.end_on then 'in_group'
    end as standing
  from changes c
  join between_groups b on b.place = c.place
  left join live_groups g on g.group_no = b.group_no
),
-- §4.8: of a change of the group's own cycle, the part of the group's period that it was billed for is extrapolated to the whole.
in_group as (
  select
    place,
    group_no,
    end_on >= group_end_on as reaches,
    case when end_on >= group_end_on then group_until_on else least(end_on, group_until_on) end as until_on,
    case when end_on >= group_end_on then group_ended_by else 'proration_end' end as ended_by,
    case when same_cycle then days_between(group_start_on, group_end_on) end as group_days,
    case when same_cycle then group_cycles end as group_cycles
  from placed
  where standing = 'in_group'
),
alone as (
  select subscription_no, place, start_on, end_on, issued_at, next_group_on, grace_millionths
  from placed
  where standing = 'alone'
),
-- §4.9: the first start of an alone change at or after the end of this one.
alone_lined_up as (
  select
    subscription_no, start_on as day, 0 as turn, start_on as alone_start_on,
    null as place, null as start_on, null as end_on, null as issued_at, null as next_group_on, null as grace_millionths
  from alone
  union all
  select
    subscription_no, end_on as day, 1, null, place, start_on, end_on, issued_at, next_group_on, grace_millionths
  from alone
),
alone_next as (
  select
    *,
    min(alone_start_on) over (
      partition by subscription_no order by day desc, turn rows between unbounded preceding and current row
    ) as next_alone_on
  from alone_lined_up
),
-- Cancellations in the lines of days and of instants, each with the E that cuts and the E that settles; alone changes stand
-- after the cancellations that come after them, and where a group's end would count, the change's own end stands for it.
alone_and_cancellations as (
  select
    x.subscription_no, x.issued_on as day, x.issued_at, 1 as turn,
    x.issued_on as cancelled_on,
    coalesce(x.period_end_on, case when $churn_recognition = 'immediate' then x.issued_on end) as cuts_on,
    coalesce(x.period_end_on, x.issued_on) as settles_on,
    null as place, null as end_on, null as next_on, null as grace_millionths
  from changed c
  join cancellations x on x.subscription_no = c.subscription_no
  union all
  select
    subscription_no, start_on as day, issued_at, 0, null, null, null,
    place, end_on, least(next_group_on, next_alone_on), grace_millionths
  from alone_next
  where place is not null
),
-- The cancellations after it, by day or by instant, and on a day before what follows it.
alone_ending as (
  select
    *,
    least(
      least_before(cuts_on, cancelled_on, next_on) over (partition by subscription_no order by day desc, turn),
      least_before(cuts_on, cancelled_on, next_on) over (partition by subscription_no order by issued_at desc, turn)
    ) as earliest_cut_on,
    least(
      least_before(settles_on, cancelled_on, next_on) over (partition by subscription_no order by day desc, turn),
      least_before(settles_on, cancelled_on, next_on) over (partition by subscription_no order by issued_at desc, turn)
    ) as settled_on
  from alone_and_cancellations
),
alone_stopped as (
  select
    place,
    end_on,
    next_on,
    settled_on is not null as cancelled,
    case
      when earliest_cut_on < end_on then greatest(day, earliest_cut_on)
      when $grace_days is null and settled_on is not null then greatest(end_on, settled_on)
      else end_on
    end as stop_on,
    case when $grace_days is not null then grace_millionths / 1000000 end as bridge_days,
    case when $grace_days is not null then (grace_millionths + 999999) / 1000000 end as wait_days
  from alone_ending
  where place is not null
),
-- The table of §4.6, as for a group.
alone_ended as (
  select
    *,
    case
      when next_on <= stop_on then 'replaced'
      when cancelled then 'cancellation'
      when next_on is not null and (bridge_days is null or days_between(end_on, next_on) <= bridge_days) then 'replaced'
      when next_on is not null then 'lapse'
      when days_between(end_on, $as_of) >= wait_days then 'lapse'
    end as ended_by,
    case when next_on is null and not cancelled then day_after(end_on, wait_days) end as decided_on
  from alone_stopped
),
lasting as (
  select
    place,
    null as group_no,
    false as reaches,
    case ended_by when 'replaced' then next_on when 'cancellation' then stop_on when 'lapse' then end_on end as until_on,
    ended_by,
    decided_on,
    null as group_days,
    null as group_cycles
  from alone_ended
  union all
  select place, group_no, reaches, until_on, ended_by, null, group_days, group_cycles from in_group
),
-- Factor ÷ M as a fraction: the days it stands for, the group's or else those of a cycle of its own, by the days it was billed for.
measured as (
  select
    c.subscription_no,
    c.subscription_id,
    c.place,
    c.start_on,
    c.amount,
    l.until_on,
    l.group_no,
    l.reaches,
    l.ended_by,
    l.decided_on,
    cast(c.months_denominator as decimal(38, 0)) * coalesce(l.group_days, c.cycle_days) as factor_numerator,
    cast(c.months_numerator as decimal(38, 0)) * c.length_days * coalesce(l.group_cycles, 1) as factor_denominator
  from lasting l
  join changes c on c.place = l.place
  where l.until_on is null or l.until_on > c.start_on
),
final as (
  select
    subscription_no,
    subscription_id,
    place,
    start_on,
    until_on,
    group_no,
    reaches,
    ended_by,
    decided_on,
    round_ratio(cast(amount as decimal(38, 0)) * factor_numerator, factor_denominator) as rate,
    ceil_ratio(factor_numerator, 2 * factor_denominator) + 0.0001 as uncertain
  from measured
)
select * from final
