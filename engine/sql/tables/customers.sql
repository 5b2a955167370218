-- Which customers are current?
-- One output row is one customer; `metadata` is JSON text, so metadata->>'industry' reads a key.
-- Parameters: $timezone.
select
  data_source,
  id,
  name,
  email,
  arrow_cast(
    instant_of(created, created_zoned, $timezone), 'Timestamp(Microsecond, Some("UTC"))'
  ) as created,
  country,
  state,
  arrow_cast(
    instant_of(trial_started, trial_started_zoned, $timezone),
    'Timestamp(Microsecond, Some("UTC"))'
  ) as trial_started,
  metadata
from customers
