-- Which lines make up MRR (mrr.md §4)?
-- One output row is one line: `mrr` minor units of `currency` a month over [start_on, until_on),
-- open where until_on is null. `rule` is invoice, proration or refund; `ended_by` is replaced,
-- cancellation, lapse or proration_end.
select
  data_source, customer_id, nullif(subscription_id, '') as subscription_id, currency, invoice_id,
  plan_id, rule, start_on, until_on, mrr, ended_by
from mrr_lines
