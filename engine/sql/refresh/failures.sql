-- For whom can the rules not be carried out?
-- One output row is one customer who has no MRR until its records are corrected. Reads: refreshes.
select data_source, customer_id, failure
from refreshes
where failure is not null
order by data_source, customer_id
