-- design §4: which customers were ever invoiced on a changed plan?
-- One output row is one customer. Reads: changed_plans, invoices.
select distinct i.data_source, i.customer_id
from invoices i
left semi join changed_plans p on p.data_source = i.data_source and p.id = i.plan_id
