-- mrr.md §4.5: which groups does a cancellation know, and on which day does it end them?
-- One output row is one cancellation in one subscription it applies to. It knows a group when its `turn` among instants is
-- after the group's, or its day is after the group's start; `ends_on` is E(c), null when it knows none.
-- Parameters: $churn_recognition, $grace_days (null under `never`). Reads: records, coverage, groups.
with
subscriptions as (
  select distinct customer_no, subscription_no, data_source, customer_id, subscription_id from coverage
),
-- A cancellation is of its subscription id in every currency, or without one of every subscription of the customer.
applied as (
  select s.subscription_no, c.place, c.invoice_id, c.issued_at, c.issued_on, c.period_end_on
  from records c
  join subscriptions s on s.customer_no = c.customer_no and s.subscription_id = c.subscription_id
  where c.type = 'cancellation' and c.subscription_id <> ''
  union all
  select s.subscription_no, c.place, c.invoice_id, c.issued_at, c.issued_on, c.period_end_on
  from records c
  join subscriptions s on s.customer_no = c.customer_no
  where c.type = 'cancellation' and c.subscription_id = ''
),
-- Groups and cancellations on one line of days; on one day a cancellation stands before the groups that start.
by_day as (
  select subscription_no, start_on as day, 1 as turn, group_no, null as place from groups
  union all
  select subscription_no, issued_on, 0, null, place from applied
),
known_by_day as (
  select
    subscription_no,
    place,
    max(group_no) over (
      partition by subscription_no order by day, turn rows between unbounded preceding and current row
    ) as group_no
  from by_day
),
-- At one instant a cancellation stands before the groups issued then (turn 0), or after them (turn 2) if no group at all
-- starts on a day before its own.
turned as (
  select a.*, k.group_no as known_by_day, case when k.group_no is null then 2 else 0 end as turn
  from applied a
  join known_by_day k on k.subscription_no = a.subscription_no and k.place = a.place
),
by_instant as (
  select subscription_no, issued_at, 1 as turn, group_no, null as place from groups
  union all
  select subscription_no, issued_at, turn, null, place from turned
),
known_by_instant as (
  select
    subscription_no,
    place,
    max(group_no) over (
      partition by subscription_no order by issued_at, turn rows between unbounded preceding and current row
    ) as group_no
  from by_instant
),
-- The last group it knows, void or not.
knowing as (
  select t.*, greatest(t.known_by_day, k.group_no) as last_known
  from turned t
  join known_by_instant k on k.subscription_no = t.subscription_no and k.place = t.place
),
final as (
  select
    c.subscription_no,
    c.place,
    c.invoice_id,
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
