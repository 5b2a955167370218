-- Which staged invoices are of a known customer?
-- One output row is one staged invoice. Reads: staged_invoices, known_customers.
select s.*
from staged_invoices s
left semi join known_customers k on k.data_source = s.data_source and k.id = s.customer_id
