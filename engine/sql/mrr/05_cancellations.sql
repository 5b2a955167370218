-- mrr.md §4.5: which groups does a cancellation know, and on which day does it end them?
-- One output row is one cancellation in one subscription it applies to. It knows a group when its `turn` among instants is
-- after the group's, or its day is after the group's start; `ends_on` is E(c), null when it knows none.
-- Parameters: $churn_recognition, $grace_days (null under `never`). Reads: records, coverage, groups.
with
subscriptions as (
  select distinct customer_no, subscription_no, subscription_id from coverage
),
-- A cancellation is of its subscription id in every currency, or without one of every subscription of the customer.
applied as (
  select s.subscription_no, c.place, c.issued_at, c.issued_on, c.period_end_on
  from records c
  join subscriptions s on s.customer_no = c.customer_no and s.subscription_id = c.subscription_id
  where c.type = 'cancellation' and c.subscription_id <> ''
  union all
  select s.subscription_no, c.place, c.issued_at, c.issued_on, c.period_end_on
  from records c
  join subscriptions s on s.customer_no = c.customer_no
  where c.type = 'cancellation' and c.subscription_id = ''
),
-- The groups that there are to know.
cancelling as (
  select distinct customer_no from records where type = 'cancellation'
),
knowable as (
  select g.subscription_no, g.group_no, g.start_on, g.issued_at
  from cancelling c
  join groups g on g.customer_no = c.customer_no
),
-- Groups and cancellations on one line of days; on one day a cancellation stands before the groups that start.
by_day as (
  select
    subscription_no, start_on as day, 1 as turn, group_no,
    null as place, null as issued_at, null as issued_on, null as period_end_on
  from knowable
  union all
  select subscription_no, issued_on as day, 0, null, place, issued_at, issued_on, period_end_on from applied
),
known_by_day as (
  select
    *,
    max(group_no) over (
      partition by subscription_no order by day, turn rows between unbounded preceding and current row
    ) as known_no
  from by_day
),
-- At one instant a cancellation stands before the groups issued then (turn 0), or after them (turn 2) if no group at all
-- starts on a day before its own.
by_instant as (
  select
    subscription_no, issued_at, 1 as turn, group_no,
    null as place, null as issued_on, null as period_end_on, null as known_by_day
  from knowable
  union all
  select
    subscription_no, issued_at, case when known_no is null then 2 else 0 end, null,
    place, issued_on, period_end_on, known_no
  from known_by_day
  where place is not null
),
known_by_instant as (
  select
    *,
    max(group_no) over (
      partition by subscription_no order by issued_at, turn rows between unbounded preceding and current row
    ) as known_no
  from by_instant
),
-- The last group it knows, void or not.
knowing as (
  select *, greatest(known_by_day, known_no) as last_known from known_by_instant where place is not null
),
final as (
  select
    c.subscription_no,
    c.place,
    c.issued_at,
    c.issued_on,
    c.period_end_on,
    c.turn,
    case
      when c.last_known is null then null
      when c.period_end_on is not null then c.period_end_on
      when $churn_recognition = 'immediate' then c.issued_on
      when $grace_days is null and c.issued_on > g.end_on then c.issued_on
      else g.end_on
    end as ends_on
  from knowing c
  left join groups g on g.group_no = c.last_known
)
select * from final
