-- mrr.md §1, §3: when, in local days, is each record, and which subscription is it of?
-- One output row is one current invoice that is not one-time, with its plan beside it where the plan is known.
-- `customer_no` and `subscription_no` number the customers and subscriptions of this run; `place` numbers the records so that
-- inside a subscription its order is that of (period_start, invoice_date, id).
-- Parameters: $timezone, $discounts. Reads: invoices, plans.
with
-- Local days and instants of the dates; a missing period start is the invoice date (§3.2).
dated as (
  select
    i.data_source,
    i.customer_id,
    i.currency,
    coalesce(i.subscription_id, '') as subscription_id,
    i.id as invoice_id,
    i.type,
    i.plan_id,
    p."interval" as interval_unit,
    p.interval_count,
    coalesce(i.proration, false) as proration,
    i.period_start is not null and i.period_end is not null as has_period,
    i.amount as charged,
    i.amount + case when $discounts = 'gross' then coalesce(i.discount, 0) else 0 end as amount,
    coalesce(i.quantity, 1) as quantity,
    coalesce(i.discount, 0) as discount,
    instant_of(i.invoice_date, i.invoice_date_zoned, $timezone) as issued_at,
    local_day(i.invoice_date, i.invoice_date_zoned, $timezone) as issued_on,
    coalesce(
      instant_of(i.period_start, i.period_start_zoned, $timezone),
      instant_of(i.invoice_date, i.invoice_date_zoned, $timezone)
    ) as starts_at,
    coalesce(
      local_day(i.period_start, i.period_start_zoned, $timezone),
      local_day(i.invoice_date, i.invoice_date_zoned, $timezone)
    ) as start_on,
    end_day(i.period_end, i.period_end_zoned, $timezone) as period_end_on
  from plans p
  right join invoices i on p.data_source = i.data_source and p.id = i.plan_id
  where i.type <> 'one-time'
),
-- The months of a plan's cycle as a fraction, and its average days in millionths (§3.3, §3.4).
final as (
  select
    dense_rank() over (order by data_source, customer_id) as customer_no,
    dense_rank() over (order by data_source, customer_id, currency, subscription_id) as subscription_no,
    row_number() over (
      order by data_source, customer_id, currency, subscription_id, starts_at, issued_at, invoice_id
    ) as place,
    dated.*,
    interval_count * case interval_unit when 'month' then 1 else 12 end as months_numerator,
    case interval_unit when 'day' then 365 when 'week' then 52 else 1 end as months_denominator,
    interval_count * case interval_unit
      when 'day' then 1000000 when 'week' then 7000000 when 'month' then 30436875 when 'year' then 365242500
    end as cycle_millionths
  from dated
)
select * from final
