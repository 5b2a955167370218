-- design §4: which version of each record is current?
-- One output row is a version that no other supersedes, and that is not a tombstone.
-- Reads: versions, newer (those of them that may supersede others).
-- An anti-join and no window: `newer` is small, and `versions` is neither sorted nor repeated.
with
superseded as (
  select _supersedes as _sequence from newer where _supersedes is not null
),
final as (
  select v.*
  from versions v
  left anti join superseded s on s._sequence = v._sequence
  where not v._deleted
)
select * from final
