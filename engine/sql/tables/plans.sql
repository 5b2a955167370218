-- Which plans are current?
-- One output row is one plan.
select data_source, id, name, "interval", interval_count, currency, plan_group, product_name
from plans
