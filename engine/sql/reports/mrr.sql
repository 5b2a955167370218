-- reports.md: how did MRR come about, period by period?
-- One output row is one period and currency, in minor units:
-- opening + new + expansion + contraction + churn + reactivation = closing. `…_customers` counts
-- the customers with such a movement in the period, `customers` those with MRR in the currency at
-- its close.
-- Parameters: $to. Reads: periods, movements.
with
days as (
  select distinct date from movements where date <= $to
),
-- The period of a day is the last one that starts by it. A day before all periods has none, and is
-- part of the opening.
placed_days as (
  select
    date,
    turn,
    max(start_on) over (
      order by date, turn rows between unbounded preceding and current row
    ) as period_start
  from (
    select date, 1 as turn, null as start_on from days
    union all
    select period_start as date, 0, period_start from periods
  )
),
-- In a period a customer counts once for each type, however many movements it has.
by_customer as (
  select
    m.data_source,
    m.customer_id,
    m.currency,
    m.type,
    d.period_start,
    sum(m.amount) as amount,
    sum(
      case when m.mrr_after = m.amount then 1 when m.mrr_after = 0 then -1 else 0 end
    ) as customers_change
  from movements m
  join placed_days d on d.date = m.date and d.turn = 1
  group by m.data_source, m.customer_id, m.currency, m.type, d.period_start
),
by_type as (
  select
    currency,
    period_start,
    type,
    sum(amount) as amount,
    count(*) as customers,
    sum(customers_change) as customers_change
  from by_customer
  group by currency, period_start, type
),
summed as (
  select
    currency,
    period_start,
    sum(amount) as net,
    sum(case when type = 'new' then amount end) as new,
    sum(case when type = 'expansion' then amount end) as expansion,
    sum(case when type = 'contraction' then amount end) as contraction,
    sum(case when type = 'churn' then amount end) as churn,
    sum(case when type = 'reactivation' then amount end) as reactivation,
    sum(case when type = 'new' then customers end) as new_customers,
    sum(case when type = 'expansion' then customers end) as expansion_customers,
    sum(case when type = 'contraction' then customers end) as contraction_customers,
    sum(case when type = 'churn' then customers end) as churn_customers,
    sum(case when type = 'reactivation' then customers end) as reactivation_customers,
    sum(customers_change) as customers_change
  from by_type
  group by currency, period_start
),
-- Every period has a row for every currency, also those in which nothing happened.
calendar as (
  select c.currency, p.period_start, p.period_end, p.partial
  from (select distinct currency from summed) c
  cross join periods p
),
before as (
  select currency, net, customers_change from summed where period_start is null
),
running as (
  select
    c.*,
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
    coalesce(s.net, 0.0000) as net,
    coalesce(b.net, 0.0000) + coalesce(sum(s.net) over so_far, 0.0000) as closing,
    coalesce(b.customers_change, 0) + coalesce(sum(s.customers_change) over so_far, 0) as customers
  from calendar c
  left join summed s on s.currency = c.currency and s.period_start = c.period_start
  left join before b on b.currency = c.currency
  window so_far as (
    partition by c.currency
    order by c.period_start
    rows between unbounded preceding and current row
  )
),
final as (
  select
    period_start,
    period_end,
    partial,
    currency,
    cast(closing - net as decimal(38, 4)) as opening,
    cast(coalesce(new, 0.0000) as decimal(38, 4)) as new,
    cast(coalesce(expansion, 0.0000) as decimal(38, 4)) as expansion,
    cast(coalesce(contraction, 0.0000) as decimal(38, 4)) as contraction,
    cast(coalesce(churn, 0.0000) as decimal(38, 4)) as churn,
    cast(coalesce(reactivation, 0.0000) as decimal(38, 4)) as reactivation,
    cast(closing as decimal(38, 4)) as closing,
    coalesce(new_customers, 0) as new_customers,
    coalesce(expansion_customers, 0) as expansion_customers,
    coalesce(contraction_customers, 0) as contraction_customers,
    coalesce(churn_customers, 0) as churn_customers,
    coalesce(reactivation_customers, 0) as reactivation_customers,
    customers
  from running
)
select * from final
order by period_start, currency
