-- Whose precomputed rows do not hold for this as_of?
-- One output row is one customer whose result differs between the as_of of the rows and this one.
-- Parameters: $as_of. Reads: refreshes.
select data_source, customer_id
from refreshes
where recompute_on <= $as_of or stable_since > $as_of
