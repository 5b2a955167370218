-- mrr.md §5.4: does churn end at exactly 0 in every currency?
-- One output row is one churn with an MRR after it. Reads: all_movements.
select data_source, customer_id, currency, date, mrr_after
from all_movements
where type = 'churn' and mrr_after <> 0
