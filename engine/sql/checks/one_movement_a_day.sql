-- mrr.md §5.1: is there one row for each customer, currency and day?
-- One output row is one with several. Reads: all_movements.
select data_source, customer_id, currency, date, count(*) as movements
from all_movements
group by data_source, customer_id, currency, date
having count(*) > 1
