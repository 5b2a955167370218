-- mrr.md §3.2–3.4, §4.1, §4.11: what does each subscription invoice cover, and is it regular or a change?
-- One output row is one subscription invoice that counts; its rate is rate_numerator ÷ rate_denominator, not yet rounded.
-- Parameters: $prorations. Reads: records.
with
-- Coverage is [start_on, end_on); a proration without both dates has none (§4.1).
covered as (
  select
    *,
    greatest(
      coalesce(period_end_on, add_cycles(start_on, interval_unit, interval_count, 1)),
      day_after(start_on, 1)
    ) as end_on
  from records
  where type = 'subscription' and interval_unit is not null and (has_period or not proration)
),
prorated as (
  select distinct subscription_no from records where proration
),
-- The furthest end among the invoices, not prorations, that start by a proration's day: does one contain its coverage?
contained as (
  select place, contained_until
  from (
    select
      c.place,
      c.proration,
      max(case when not c.proration then c.end_on end) over (
        partition by c.subscription_no order by c.start_on, c.proration rows between unbounded preceding and current row
      ) as contained_until
    from prorated p
    join covered c on c.subscription_no = p.subscription_no
  )
  where proration
),
-- Lengths in days: the coverage's own, and that of the plan's cycle that ends with it (end − (end ⊖ cycle)).
measured as (
  select
    c.*,
    days_between(start_on, end_on) as length_days,
    days_between(add_cycles(end_on, interval_unit, interval_count, -1), end_on) as cycle_days,
    add_cycles(start_on, interval_unit, interval_count, 1) <= end_on
      or add_cycles(end_on, interval_unit, interval_count, -1) >= start_on as full_length,
    -- The prepaid cycles this coverage comes nearest to; half rounds up (§3.4).
    greatest(
      1,
      (2000000 * days_between(start_on, end_on) + cycle_millionths) / (2 * cycle_millionths)
    ) as nearest_cycles,
    contained_until
  from contained k
  right join covered c on c.place = k.place
),
-- Regular, or a change by the setting `prorations`; replacing changes are regular with one cycle (§4.1, §4.11).
used as (
  select
    *,
    case
      when not proration then 'regular'
      when full_length and amount >= 0 and coalesce(contained_until < end_on, true) then 'regular'
      when $prorations = 'add' then 'change'
      when $prorations = 'replace' and amount >= 0 then 'replacement'
    end as role,
    case
      when abs(days_between(add_cycles(start_on, interval_unit, interval_count, nearest_cycles), end_on)) <= 3
        then nearest_cycles
      else 1
    end as nearby_cycles
  from measured
),
-- Rate = amount ÷ (months × cycles); of a replacement, extrapolated to its whole cycle (§4.2, §4.11).
final as (
  select
    customer_no,
    subscription_no,
    subscription_id,
    place,
    plan_id,
    interval_unit,
    interval_count,
    charged,
    amount,
    issued_at,
    starts_at,
    start_on,
    end_on,
    length_days,
    cycle_days,
    cycle_millionths,
    months_numerator,
    months_denominator,
    case role when 'change' then 'change' else 'regular' end as role,
    case role when 'regular' then nearby_cycles else 1 end as cycles,
    cast(amount as decimal(38, 0)) * months_denominator
      * case role when 'replacement' then cycle_days else 1 end as rate_numerator,
    cast(months_numerator as decimal(38, 0))
      * case role when 'regular' then nearby_cycles when 'replacement' then length_days else 1 end as rate_denominator
  from used
  where role is not null
)
select * from final
