-- design §4: which versions are of the past only?
-- One output row is a version that another supersedes, or a tombstone.
-- Reads: versions, newer (those of them that may supersede others).
with
superseded as (
  select _supersedes as _sequence from newer where _supersedes is not null
),
final as (
  select v.*
  from versions v
  left join superseded s on s._sequence = v._sequence
  where v._deleted or s._sequence is not null
)
select * from final
