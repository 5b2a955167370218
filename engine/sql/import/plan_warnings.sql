-- mrr.md §1.3: which staged invoices name an unknown plan, or have another currency than it?
-- One output row is one code with its number of invoices and the first of their ids.
-- Reads: staged_invoices, staged_plans, plans.
with
-- A plan may be stored, staged, or staged more than once; the last version counts.
versions as (
  select data_source, id, currency, cast(-1 as bigint) as _row from plans
  union all
  select data_source, id, currency, _row from staged_plans
),
known as (
  select data_source, id, last_value(currency order by _row) as currency
  from versions
  group by data_source, id
),
final as (
  select
    case when k.id is null then 'unknown_plan' else 'currency_differs' end as code,
    count(*) as invoices,
    min(s.id) as example
  from staged_invoices s
  left join known k on k.data_source = s.data_source and k.id = s.plan_id
  where s.plan_id is not null and (k.id is null or k.currency <> s.currency)
  group by case when k.id is null then 'unknown_plan' else 'currency_differs' end
)
select * from final
order by code
