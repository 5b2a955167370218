-- Which invoices are current?
-- One output row is one invoice; amounts are minor units of `currency`, times are instants.
-- Parameters: $timezone.
select
  data_source,
  id,
  customer_id,
  type,
  arrow_cast(
    instant_of(invoice_date, invoice_date_zoned, $timezone), 'Timestamp(Microsecond, Some("UTC"))'
  ) as invoice_date,
  amount,
  currency,
  plan_id,
  subscription_id,
  arrow_cast(
    instant_of(period_start, period_start_zoned, $timezone), 'Timestamp(Microsecond, Some("UTC"))'
  ) as period_start,
  arrow_cast(
    instant_of(period_end, period_end_zoned, $timezone), 'Timestamp(Microsecond, Some("UTC"))'
  ) as period_end,
  proration,
  quantity,
  discount
from invoices
