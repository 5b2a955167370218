-- mrr.md §4.12: which group does each refund hit, and by how much does it lower it?
-- One output row is one refund that has a line, from its day to the end of the group it hits.
-- Parameters: $refunds. Reads: records, coverage, live_groups, counting_invoices.
with
subscriptions as (
  select distinct customer_no, subscription_no, currency, subscription_id from coverage
),
-- A refund may mean its own subscription; without an id, every one of the customer in its currency.
meant as (
  select place, subscription_no, subscription_id, issued_on
  from records
  where type = 'refund' and $refunds = 'reduce' and subscription_id <> ''
  union all
  select r.place, s.subscription_no, s.subscription_id, r.issued_on
  from records r
  join subscriptions s on s.customer_no = r.customer_no and s.currency = r.currency
  where r.type = 'refund' and $refunds = 'reduce' and r.subscription_id = ''
),
-- In each of these the live group that starts last by the refund's day …
reached as (
  select
    subscription_no,
    subscription_id,
    place,
    issued_on,
    max(group_no) over (
      partition by subscription_no order by day, turn rows between unbounded preceding and current row
    ) as group_no
  from (
    select subscription_no, null as subscription_id, start_on as day, 0 as turn, group_no, null as place, null as issued_on
    from live_groups
    union all
    select subscription_no, subscription_id, issued_on as day, 1, null, place, issued_on from meant
  )
),
-- … is hit if it is paid and running on that day; of several, the one that began last, then the smallest subscription id.
hit as (
  select
    r.place,
    g.group_no,
    g.group_place,
    g.until_on,
    g.ended_by,
    row_number() over (partition by r.place order by g.start_on desc, r.subscription_id) as preference
  from reached r
  join live_groups g on g.group_no = r.group_no
  where r.place is not null and r.issued_on < g.end_on and (g.until_on is null or r.issued_on < g.until_on)
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
  where h.preference = 1
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
