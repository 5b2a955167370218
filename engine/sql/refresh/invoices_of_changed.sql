-- Which invoices do the rules read, for the customers that changed?
-- One output row is one current invoice of a current customer, customer by customer.
-- Reads: invoices, customers, changed.
with
present as (
  select c.data_source, c.id
  from customers c
  left semi join changed x on x.data_source = c.data_source and x.customer_id = c.id
)
select
  i.data_source, i.id, i.customer_id, i.type, i.invoice_date, i.invoice_date_zoned, i.amount,
  i.currency, i.plan_id, i.subscription_id, i.period_start, i.period_start_zoned, i.period_end,
  i.period_end_zoned, i.proration, i.quantity, i.discount
from invoices i
left semi join present p on p.data_source = i.data_source and p.id = i.customer_id
order by i.data_source, i.customer_id
