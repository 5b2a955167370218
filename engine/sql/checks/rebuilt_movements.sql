-- design §6.3: are the stored movements those of a rebuild from nothing?
-- One output row is one row that one of the two has more often.
-- Reads: movements, rebuilt_movements.
with
sides as (
  select 1 as side, *, array_to_string(invoice_ids, ' ') as invoices from movements
  union all
  select -1, *, array_to_string(invoice_ids, ' ') from rebuilt_movements
),
counted as (
  select
    sum(side) as surplus,
    date, data_source, customer_id, currency, type, amount, mrr_after,
    cause, subtype, voluntary, invoices
  from sides
  group by
    date, data_source, customer_id, currency, type, amount, mrr_after,
    cause, subtype, voluntary, invoices
),
final as (
  select case when surplus > 0 then 'stored' else 'rebuilt' end as only_in, * except (surplus)
  from counted
  where surplus <> 0
)
select * from final
order by data_source, customer_id, date, currency, only_in
