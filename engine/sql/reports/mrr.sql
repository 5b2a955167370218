-- reports.md: how did MRR come about, period by period?
-- One output row is one period and currency: opening + new + expansion + contraction + churn + reactivation = closing, in minor
-- units; customers are those with MRR in the currency at the close. Reads: periods, movements.
-- Parameters: $to.
with
-- Movements before the first period are its opening.
placed as (
  select
    m.currency,
    m.type,
    m.amount,
    case when m.mrr_after = m.amount then 1 when m.mrr_after = 0 then -1 else 0 end as customers_change,
    coalesce(p.period_start, cast('0001-01-01' as date)) as period_start
  from movements m
  left join periods p on m.date between p.period_start and p.period_end
  where m.date <= $to
),
summed as (
  select
    currency,
    period_start,
    sum(amount) as net,
    sum(case when type = 'new' then amount else 0.0000 end) as new,
    sum(case when type = 'expansion' then amount else 0.0000 end) as expansion,
    sum(case when type = 'contraction' then amount else 0.0000 end) as contraction,
    sum(case when type = 'churn' then amount else 0.0000 end) as churn,
    sum(case when type = 'reactivation' then amount else 0.0000 end) as reactivation,
    count(*) filter (where type = 'new') as new_customers,
    count(*) filter (where type = 'expansion') as expansion_customers,
    count(*) filter (where type = 'contraction') as contraction_customers,
    count(*) filter (where type = 'churn') as churn_customers,
    count(*) filter (where type = 'reactivation') as reactivation_customers,
    sum(customers_change) as customers_change
  from placed
  group by currency, period_start
),
-- Every period has a row for every currency, also those in which nothing happened.
calendar as (
  select c.currency, p.period_start, p.period_end, p.partial
  from (select distinct currency from summed) c
  cross join (
    select period_start, period_end, partial from periods
    union all
    select cast('0001-01-01' as date), cast('0001-01-01' as date), false
  ) p
),
running as (
  select
    c.currency,
    c.period_start,
    c.period_end,
    c.partial,
    s.new,
    s.expansion,
    s.contraction,
    s.churn,
    s.reactivation,
    s.new_customers,
    s.expansion_customers,
    s.contraction_customers,
    s.churn_customers,
    s.reactivation_customers,
    s.net,
    sum(s.net) over so_far as closing,
    sum(s.customers_change) over so_far as customers
  from calendar c
  left join summed s on s.currency = c.currency and s.period_start = c.period_start
  window so_far as (partition by c.currency order by c.period_start rows between unbounded preceding and current row)
),
final as (
  select
    period_start,
    period_end,
    partial,
    currency,
    cast(coalesce(closing, 0.0000) - coalesce(net, 0.0000) as decimal(38, 4)) as opening,
    cast(coalesce(new, 0.0000) as decimal(38, 4)) as new,
    cast(coalesce(expansion, 0.0000) as decimal(38, 4)) as expansion,
    cast(coalesce(contraction, 0.0000) as decimal(38, 4)) as contraction,
    cast(coalesce(churn, 0.0000) as decimal(38, 4)) as churn,
    cast(coalesce(reactivation, 0.0000) as decimal(38, 4)) as reactivation,
    cast(coalesce(closing, 0.0000) as decimal(38, 4)) as closing,
    coalesce(new_customers, 0) as new_customers,
    coalesce(expansion_customers, 0) as expansion_customers,
    coalesce(contraction_customers, 0) as contraction_customers,
    coalesce(churn_customers, 0) as churn_customers,
    coalesce(reactivation_customers, 0) as reactivation_customers,
    coalesce(customers, 0) as customers
  from running
  where period_start > cast('0001-01-01' as date)
)
select * from final
order by period_start, currency
