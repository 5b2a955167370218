-- Which movements of MRR were there up to as_of (mrr.md §5)?
-- One output row is one customer, currency and day on which its MRR changes; amounts are minor
-- units of `currency`.
-- Parameters: $as_of.
select
  date, data_source, customer_id, currency, type, amount, mrr_after,
  cause, subtype, voluntary, invoice_ids
from movements
where date <= $as_of
