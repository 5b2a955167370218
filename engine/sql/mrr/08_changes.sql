-- mrr.md §4.7–4.9: which group does each proration change, or does it stand alone, and for how long?
-- One output row is one change that has a line over [start_on, until_on); group_no is null when it stands alone.
-- `reaches` says that it runs to the group's end; `uncertain` is u of §4.10.
-- Parameters: $as_of, $churn_recognition, $grace_days (null under `never`). Reads: coverage, live_groups, cancellations.
with
changes as (
  select * from coverage where role = 'change'
),
-- The live group that starts last by the change's day, and the first that starts after it.
before as (
  select
    place,
    max(group_no) over (
      partition by subscription_no order by start_on, turn rows between unbounded preceding and current row
    ) as group_no
  from (
    select subscription_no, start_on, 0 as turn, group_no, null as place from live_groups
    union all
    select subscription_no, start_on, 1, null, place from changes
  )
),
after as (
  select
    place,
    min(group_start_on) over (
      partition by subscription_no order by start_on desc, turn rows between unbounded preceding and current row
    ) as next_group_on
  from (
    select subscription_no, start_on, 1 as turn, start_on as group_start_on, null as place from live_groups
    union all
    select subscription_no, start_on, 0, null, place from changes
  )
),
-- §4.7: a change belongs to the group that runs over its day; on the group's first day, if it is positive or a credit for the
-- whole of it; a positive one without a group stands alone; the rest is dropped.
placed as (
  select
    c.*,
    g.group_no,
    a.next_group_on,
    g.start_on as group_start_on,
    g.end_on as group_end_on,
    g.until_on as group_until_on,
    g.cycles as group_cycles,
    g.interval_unit = c.interval_unit and g.interval_count = c.interval_count as same_cycle,
    case
      when g.group_no is null or c.start_on >= g.until_on then case when c.amount > 0 then 'alone' end
      when g.start_on = c.start_on
        then case when c.amount > 0 or (c.amount < 0 and c.end_on = g.end_on) then 'in_group' end
      when c.start_on < g.end_on then 'in_group'
    end as standing
  from changes c
  join before b on b.place = c.place
  join after a on a.place = c.place
  left join live_groups g on g.group_no = b.group_no
),
-- §4.8: the part of the group's period that it was billed for is extrapolated to the whole.
in_group as (
  select
    *,
    end_on >= group_end_on as reaches,
    case when end_on >= group_end_on then group_until_on else least(end_on, group_until_on) end as until_on,
    -- factor ÷ M as a fraction
    cast(months_denominator as decimal(38, 0))
      * case when same_cycle then days_between(group_start_on, group_end_on) else cycle_days end as factor_numerator,
    cast(months_numerator as decimal(38, 0))
      * length_days * case when same_cycle then group_cycles else 1 end as factor_denominator
  from placed
  where standing = 'in_group'
),
alone as (
  select * from placed where standing = 'alone'
),
-- §4.9: the first start of an alone change at or after the end of this one.
alone_after as (
  select
    place,
    min(alone_start_on) over (
      partition by subscription_no order by day desc, turn rows between unbounded preceding and current row
    ) as next_alone_on
  from (
    select subscription_no, start_on as day, 0 as turn, start_on as alone_start_on, null as place from alone
    union all
    select subscription_no, end_on, 1, null, place from alone
  )
),
alone_followed as (
  select
    a.*,
    least(a.next_group_on, f.next_alone_on) as next_on,
    least(a.cycle_millionths, 1000000 * a.cycle_days, 1000000 * cast($grace_days as bigint)) as grace_millionths
  from alone a
  join alone_after f on f.place = a.place
),
-- The cancellations after it and before what follows it; where a group's end would count, its own end stands for it.
alone_cancelled as (
  select
    a.place,
    min(case when coalesce(c.period_end_on, case when $churn_recognition = 'immediate' then c.issued_on end) < a.end_on
      then coalesce(c.period_end_on, c.issued_on) end) as cut_on,
    min(greatest(a.end_on, coalesce(c.period_end_on, c.issued_on))) as settled_on
  from alone_followed a
  join cancellations c on c.subscription_no = a.subscription_no
  where (c.issued_on > a.start_on or c.issued_at > a.issued_at) and (a.next_on is null or c.issued_on < a.next_on)
  group by a.place
),
alone_stopped as (
  select
    a.*,
    c.settled_on is not null as cancelled,
    case
      when c.cut_on is not null then greatest(a.start_on, c.cut_on)
      when $grace_days is null and c.settled_on is not null then c.settled_on
      else a.end_on
    end as stop_on,
    case when $grace_days is not null then a.grace_millionths / 1000000 end as bridge_days,
    case when $grace_days is not null then (a.grace_millionths + 999999) / 1000000 end as wait_days
  from alone_followed a
  left join alone_cancelled c on c.place = a.place
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
    cast(null as bigint) as group_no,
    false as reaches,
    case ended_by when 'replaced' then next_on when 'cancellation' then stop_on when 'lapse' then end_on end as until_on,
    ended_by,
    decided_on,
    cast(months_denominator as decimal(38, 0)) * cycle_days as factor_numerator,
    cast(months_numerator as decimal(38, 0)) * length_days as factor_denominator
  from alone_ended
  union all
  select
    i.place,
    i.group_no,
    i.reaches,
    i.until_on,
    case when i.reaches then g.ended_by else 'proration_end' end as ended_by,
    cast(null as date) as decided_on,
    i.factor_numerator,
    i.factor_denominator
  from in_group i
  join live_groups g on g.group_no = i.group_no
),
final as (
  select
    c.subscription_no,
    c.subscription_id,
    c.place,
    c.start_on,
    l.until_on,
    l.group_no,
    l.reaches,
    l.ended_by,
    l.decided_on,
    round_ratio(cast(c.amount as decimal(38, 0)) * l.factor_numerator, l.factor_denominator) as rate,
    ceil_ratio(l.factor_numerator, 2 * l.factor_denominator) + 0.0001 as uncertain
  from lasting l
  join changes c on c.place = l.place
  where l.until_on is null or l.until_on > c.start_on
)
select * from final
