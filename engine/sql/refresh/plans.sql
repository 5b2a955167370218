-- Which plans do the rules read?
-- One output row is one current plan. Reads: plans.
select data_source, id, "interval", interval_count from plans
