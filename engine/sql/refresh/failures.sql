-- Which customers cannot be computed by the rules?
-- One output row is one customer without MRR until its records are corrected. Reads: refreshes.
select data_source, customer_id, failure
from refreshes
where failure is not null
order by data_source, customer_id
