-- mrr.md §1.2: which customers are known at the end of the import?
-- One output row is one customer that is stored or staged. Reads: customers, staged_customers.
select data_source, id from customers
union all
select data_source, id from staged_customers
