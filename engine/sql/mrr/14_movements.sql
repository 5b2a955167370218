-- mrr.md §5.5, reports.md (subtypes): what caused each movement?
-- One output row is one movement; `cause` is the rule that fired, `subtype` says what kind of churn, expansion or contraction
-- it is, `invoice_ids` are the invoices whose lines begin or end that day.
-- Reads: customer_days, subscription_days, lines.
with
-- The beginnings and ends of lines.
events as (
  select *, start_on as day, true as begins from lines
  union all
  select *, until_on as day, false from lines where until_on is not null
),
involved as (
  select customer_no, currency, day, array_sort(array_agg(invoice_id)) as invoice_ids
  from (
    select distinct e.customer_no, e.currency, e.day, e.invoice_id
    from customer_days m
    join events e on e.customer_no = m.customer_no and e.currency = m.currency and e.day = m.day
  )
  group by customer_no, currency, day
),
-- The subscription whose MRR changed most that day speaks for the customer; ties: the smallest id.
loudest as (
  select
    customer_no,
    currency,
    day,
    first_value(subscription_no order by abs(mrr_change) desc, subscription_no) as subscription_no
  from subscription_days
  group by customer_no, currency, day
),
heard as (
  select e.*
  from loudest l
  join events e on e.subscription_no = l.subscription_no and e.day = l.day
),
-- The plans of the group that ended and of the group that began.
plan_days as (
  select
    subscription_no,
    day,
    plan_id,
    bool_or(not begins) as was,
    bool_or(begins) as is_now
  from heard
  where rule = 'invoice'
  group by subscription_no, day, plan_id
),
plans_compared as (
  select
    subscription_no,
    day,
    count(*) filter (where was and is_now) as plans_kept,
    count(*) filter (where was <> is_now) as plans_changed
  from plan_days
  group by subscription_no, day
),
happened as (
  select
    customer_no,
    data_source,
    customer_id,
    subscription_no,
    currency,
    day,
    bool_or(begins) as any_begins,
    bool_or(not begins) as any_ends,
    bool_or(begins and rule = 'invoice') as invoice_begins,
    bool_or(not begins and rule = 'invoice') as invoice_ends,
    bool_or(begins and rule = 'refund') as refund_begins,
    bool_or(not begins and rule = 'refund') as refund_ends,
    bool_or(begins and rule = 'proration') as proration_begins,
    bool_or(not begins and rule = 'proration') as proration_ends,
    bool_or(not begins and ended_by = 'cancellation') as cancelled,
    bool_or(not begins and ended_by = 'lapse') as lapsed,
    max(case when not begins and is_main then interval_count || ' ' || interval_unit end) as cycle_was,
    max(case when begins and is_main then interval_count || ' ' || interval_unit end) as cycle_is,
    sum(case when rule <> 'invoice' then 0 when begins then quantity else -quantity end) as quantity_change,
    sum(case when rule <> 'invoice' then 0 when begins then discount else -discount end) as discount_change
  from heard
  group by customer_no, data_source, customer_id, subscription_no, currency, day
),
caused as (
  select
    m.*,
    h.data_source,
    h.customer_id,
    i.invoice_ids,
    case
      when h.refund_begins or (h.refund_ends and not h.invoice_begins and not h.invoice_ends) then 'refund'
      when h.invoice_begins and h.invoice_ends then 'replaced'
      when h.invoice_begins then 'invoice'
      when h.cancelled then 'cancellation'
      when h.lapsed then 'lapse'
      when h.proration_begins then 'invoice'
      else 'proration_end'
    end as cause,
    case
      when m.type not in ('churn', 'expansion', 'contraction') then null
      when h.refund_begins then 'refund'
      when m.type = 'churn' and h.cancelled then 'voluntary'
      when m.type = 'churn' and h.invoice_begins then 'free'
      when m.type = 'churn' then 'lapse'
      when h.refund_ends then 'refund'
      when h.proration_begins or h.proration_ends then 'proration'
      when not h.any_ends or not h.any_begins then 'add_on'
      when p.plans_kept > 0 and p.plans_changed > 0 then 'add_on'
      when p.plans_changed > 0 and h.cycle_was = h.cycle_is then 'plan'
      when h.cycle_was <> h.cycle_is then 'frequency'
      when h.quantity_change <> 0 then 'quantity'
      when h.discount_change <> 0 then 'discount'
      else 'price'
    end as subtype
  from customer_days m
  join happened h on h.customer_no = m.customer_no and h.currency = m.currency and h.day = m.day
  join involved i on i.customer_no = m.customer_no and i.currency = m.currency and i.day = m.day
  left join plans_compared p on p.subscription_no = h.subscription_no and p.day = h.day
),
final as (
  select
    day as date,
    data_source,
    customer_id,
    currency,
    type,
    cast(amount as decimal(24, 4)) as amount,
    cast(mrr_after as decimal(38, 4)) as mrr_after,
    cause,
    subtype,
    case when type = 'churn' then subtype = 'voluntary' end as voluntary,
    invoice_ids
  from caused
)
select * from final
