-- design §6.3: are the stored lines those of a rebuild from nothing?
-- One output row is one row that one of the two has more often.
-- Reads: mrr_lines, rebuilt_mrr_lines.
with
sides as (
  select 1 as side, * from mrr_lines
  union all
  select -1, * from rebuilt_mrr_lines
),
counted as (
  select
    sum(side) as surplus,
    data_source, customer_id, subscription_id, currency, invoice_id, plan_id, rule,
    start_on, until_on, mrr, ended_by
  from sides
  group by
    data_source, customer_id, subscription_id, currency, invoice_id, plan_id, rule,
    start_on, until_on, mrr, ended_by
),
final as (
  select case when surplus > 0 then 'stored' else 'rebuilt' end as only_in, * except (surplus)
  from counted
  where surplus <> 0
)
select * from final
order by data_source, customer_id, start_on, invoice_id, only_in
