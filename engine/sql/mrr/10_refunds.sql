-- mrr.md §4.12: which group does each refund hit, and by how much does it lower it?
-- One output row is one refund that has a line, from its day to the end of the group it hits.
-- Parameters: $refunds. Reads: records, live_groups, counting_invoices.
with
refunds as (
  select place, customer_no, subscription_no, currency, subscription_id, issued_on
  from records
  where type = 'refund' and $refunds = 'reduce'
),
refunded_customers as (
  select distinct customer_no from refunds
),
-- A group can be hit while it is paid and running.
paid as (
  select
    g.group_no,
    g.customer_no,
    g.subscription_no,
    r.currency,
    r.subscription_id,
    g.start_on,
    least(g.end_on, g.until_on) as stop_on
  from refunded_customers c
  join live_groups g on g.customer_no = c.customer_no
  join records r on r.place = g.group_place
),
-- A refund with a subscription id hits the group of that subscription …
hit_in_subscription as (
  select place, last_running(group_no, day, stop_on) over (partition by subscription_no order by day, turn) as group_no
  from (
    select subscription_no, start_on as day, 0 as turn, group_no, stop_on, null as place from paid
    union all
    select subscription_no, issued_on, 1, null, null, place from refunds where subscription_id <> ''
  )
),
-- … without one, of all groups of the customer in its currency the one that began last, then of the smallest subscription id.
hit_in_customer as (
  select
    place,
    last_running(group_no, day, stop_on) over (
      partition by customer_no, currency order by day, turn, subscription_id desc
    ) as group_no
  from (
    select customer_no, currency, start_on as day, 0 as turn, subscription_id, group_no, stop_on, null as place from paid
    union all
    select customer_no, currency, issued_on, 1, '', null, null, place from refunds where subscription_id = ''
  )
),
hit as (
  select h.place, g.group_place, g.until_on, g.ended_by
  from (
    select place, group_no from hit_in_subscription
    union all
    select place, group_no from hit_in_customer
  ) h
  join live_groups g on g.group_no = h.group_no
  where h.place is not null
),
-- It means the counting invoice of its plan, else the group's last.
refunded as (
  select
    h.place,
    h.until_on,
    h.ended_by,
    coalesce(same_plan.place, h.group_place) as invoice_place
  from hit h
  join records r on r.place = h.place
  left join counting_invoices same_plan on same_plan.group_place = h.group_place and same_plan.plan_id = r.plan_id
),
-- The same share of the invoice's rate as of its amount.
final as (
  select
    i.subscription_no,
    i.subscription_id,
    r.place,
    r.issued_on as start_on,
    f.until_on,
    f.ended_by,
    round_ratio(
      -cast(abs(r.charged) as decimal(38, 0)) * i.rate_numerator,
      i.rate_denominator * i.charged
    ) as rate
  from refunded f
  join records r on r.place = f.place
  join counting_invoices i on i.place = f.invoice_place
  where i.charged <> 0
)
select * from final
