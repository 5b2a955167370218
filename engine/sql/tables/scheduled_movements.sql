-- Which movements are to come after as_of (mrr.md §5.3)?
-- One output row as in movements. Parameters: $as_of.
select
  date, data_source, customer_id, currency, type, amount, mrr_after, cause, subtype, voluntary, invoice_ids
from movements
where date > $as_of
