-- Which invoices do the rules read, for every customer?
-- One output row is one current invoice of a current customer, customer by customer.
-- Reads: invoices, customers.
select
  i.data_source, i.id, i.customer_id, i.type, i.invoice_date, i.invoice_date_zoned, i.amount,
  i.currency, i.plan_id, i.subscription_id, i.period_start, i.period_start_zoned, i.period_end,
  i.period_end_zoned, i.proration, i.quantity, i.discount
from invoices i
left semi join customers c on c.data_source = i.data_source and c.id = i.customer_id
order by i.data_source, i.customer_id
