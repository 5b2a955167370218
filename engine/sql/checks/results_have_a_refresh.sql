-- design §4: does every customer with lines or movements have exactly one decision?
-- One output row is one customer without one, or with several.
-- Reads: refreshes, all_movements, mrr_lines.
with
computed as (
  select data_source, customer_id from all_movements
  union
  select data_source, customer_id from mrr_lines
),
without as (
  select c.data_source, c.customer_id, 0 as decisions
  from computed c
  left anti join refreshes r on r.data_source = c.data_source and r.customer_id = c.customer_id
),
several as (
  select data_source, customer_id, count(*) as decisions
  from refreshes
  group by data_source, customer_id
  having count(*) > 1
)
select * from without
union all
select * from several
