-- mrr.md §4: what is each line, from which invoice and by which rule?
-- One output row is one line: a rate in minor units a month over [start_on, until_on), open where until_on is null.
-- `rule` is invoice, proration or refund; `ended_by` is replaced, cancellation, lapse, proration_end or null.
-- Reads: records, counting_invoices, live_groups, snapped_changes, refunds.
with
-- A refund's line is of the subscription it hits, which its own record may not name.
spans as (
  select
    i.subscription_no,
    i.subscription_id,
    i.place,
    'invoice' as rule,
    g.start_on,
    g.until_on,
    i.rate,
    g.ended_by,
    g.decided_on,
    i.place = i.group_place as is_main
  from counting_invoices i
  join live_groups g on g.group_place = i.group_place
  union all
  select
    subscription_no, subscription_id, place, 'proration', start_on, until_on, rate, ended_by, decided_on, false
  from snapped_changes
  union all
  select subscription_no, subscription_id, place, 'refund', start_on, until_on, rate, ended_by, null, false
  from refunds
),
final as (
  select
    r.customer_no,
    s.subscription_no,
    r.place,
    r.data_source,
    r.customer_id,
    s.subscription_id,
    r.currency,
    r.invoice_id,
    r.plan_id,
    r.interval_unit,
    r.interval_count,
    r.quantity,
    r.discount,
    s.rule,
    s.start_on,
    s.until_on,
    cast(s.rate as decimal(24, 4)) as mrr,
    s.ended_by,
    s.decided_on,
    s.is_main
  from spans s
  join records r on r.place = s.place
)
select * from final
