-- mrr.md §5.4: do a customer's types read new, churn, reactivation, churn, …?
-- One output row is one day on which they do not. Reads: all_movements.
with
turns as (
  select distinct data_source, customer_id, date, type
  from all_movements
  where type in ('new', 'churn', 'reactivation')
),
followed as (
  select *, lag(type) over (partition by data_source, customer_id order by date) as before
  from turns
)
select data_source, customer_id, date, before, type
from followed
where (before is null) <> (type = 'new')
  or (before = 'churn') <> (type = 'reactivation')
  or (before in ('new', 'reactivation')) <> (type = 'churn')
