-- mrr.md §1.2: which staged invoices name a customer that is unknown at the end of the import?
-- One output row is one staged invoice. Reads: staged_invoices, known_customers.
select s.*
from staged_invoices s
left anti join known_customers k on k.data_source = s.data_source and k.id = s.customer_id
order by s._input, s._line
