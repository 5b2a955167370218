-- Which movements are dated after as_of (mrr.md §5.3)?
-- One output row is one movement, as in movements.sql. Parameters: $as_of.
select
  date, data_source, customer_id, currency, type, amount, mrr_after,
  cause, subtype, voluntary, invoice_ids
from movements
where date > $as_of
