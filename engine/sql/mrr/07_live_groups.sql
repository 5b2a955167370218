-- mrr.md §4.6: until when does each group run, and what ends it?
-- One output row is one live group, running over [start_on, until_on); until_on null: the renewal is still due.
-- `ended_by` is replaced, cancellation, lapse or null. `decided_on` is the first as_of at which a missing renewal is a lapse,
-- where the answer hangs on as_of.
-- Parameters: $as_of, $grace_days (null under `never`). Reads: cut_groups.
with
-- Stop: the end of what was paid, or the day of the cancellation that cuts or, under `never`, settles it.
stopped as (
  select
    *,
    lead(start_on) over (partition by subscription_no order by group_no) as next_on,
    cut_on is not null or settled_on is not null as cancelled,
    case
      when cut_on is not null then greatest(start_on, cut_on)
      when $grace_days is null and settled_on is not null then greatest(end_on, settled_on)
      else end_on
    end as stop_on
  from cut_groups
),
-- The table of §4.6, first case that fits.
ended as (
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
  from stopped
),
spanned as (
  select
    *,
    case ended_by when 'replaced' then next_on when 'cancellation' then stop_on when 'lapse' then end_on end as until_on
  from ended
),
final as (
  select
    group_no,
    customer_no,
    subscription_no,
    group_place,
    start_on,
    end_on,
    until_on,
    ended_by,
    decided_on,
    rate,
    cycles,
    interval_unit,
    interval_count
  from spanned
  where until_on is null or until_on > start_on
)
select * from final
