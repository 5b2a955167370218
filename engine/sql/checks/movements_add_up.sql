-- mrr.md §5.4: is opening + movements = closing on every day, in every currency?
-- One output row is one movement whose mrr_after is not the sum of the amounts so far.
-- Reads: all_movements.
with
summed as (
  select
    *,
    sum(amount) over (
      partition by data_source, customer_id, currency
      order by date
      rows between unbounded preceding and current row
    ) as amounts_so_far
  from all_movements
)
select data_source, customer_id, currency, date, amount, mrr_after, amounts_so_far
from summed
where mrr_after <> amounts_so_far or mrr_after < 0 or amount = 0
