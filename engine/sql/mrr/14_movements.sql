-- mrr.md §5.5, reports.md (subtypes): what caused each movement?
-- One output row is one movement; `cause` is the rule that fired, `subtype` says what kind of churn, expansion or contraction
-- it is, `invoice_ids` are the invoices whose lines begin or end that day.
-- Reads: customer_days, subscription_days, lines.
with
-- The subscription whose MRR changed most that day speaks for the customer; ties: the smallest id.
loudest as (
  select *
  from (
    select
      *,
      row_number() over (
        partition by customer_no, currency, day order by abs(mrr_change) desc, subscription_no
      ) as loudness
    from subscription_days
  )
  where loudness = 1
),
involved as (
  select customer_no, currency, day, array_agg(distinct invoice_id order by invoice_id) as invoice_ids
  from (
    select customer_no, currency, start_on as day, invoice_id from lines
    union all
    select customer_no, currency, until_on, invoice_id from lines where until_on is not null
  )
  group by customer_no, currency, day
),
customers_named as (
  select distinct customer_no, data_source, customer_id from lines
),
caused as (
  select
    m.*,
    c.data_source,
    c.customer_id,
    i.invoice_ids,
    case
      when l.refund_begins or (l.refund_ends and not l.invoice_begins and not l.invoice_ends) then 'refund'
      when l.invoice_begins and l.invoice_ends then 'replaced'
      when l.invoice_begins then 'invoice'
      when l.cancelled then 'cancellation'
      when l.lapsed then 'lapse'
      when l.proration_begins then 'invoice'
      else 'proration_end'
    end as cause,
    case
      when m.type not in ('churn', 'expansion', 'contraction') then null
      when l.refund_begins then 'refund'
      when m.type = 'churn' and l.cancelled then 'voluntary'
      when m.type = 'churn' and l.invoice_begins then 'free'
      when m.type = 'churn' then 'lapse'
      when l.refund_ends then 'refund'
      when l.proration_begins or l.proration_ends then 'proration'
      when not l.any_ends or not l.any_begins then 'add_on'
      when l.plans_kept > 0 and l.plans_changed > 0 then 'add_on'
      when l.plans_changed > 0 and l.cycle_was = l.cycle_is then 'plan'
      when l.cycle_was <> l.cycle_is then 'frequency'
      when l.quantity_change <> 0 then 'quantity'
      when l.discount_change <> 0 then 'discount'
      else 'price'
    end as subtype
  from customer_days m
  join loudest l on l.customer_no = m.customer_no and l.currency = m.currency and l.day = m.day
  join customers_named c on c.customer_no = m.customer_no
  join involved i on i.customer_no = m.customer_no and i.currency = m.currency and i.day = m.day
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
