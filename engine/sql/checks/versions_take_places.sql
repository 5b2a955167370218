-- design §4: does a version supersede only an older one of the same id?
-- One output row is one version that does not. Reads: stored_versions.
select s.object, s.data_source, s.id, s._sequence, s._supersedes
from stored_versions s
left join stored_versions o on o.object = s.object and o._sequence = s._supersedes
where s._supersedes is not null
  and (o.id is null or o.data_source <> s.data_source or o.id <> s.id or o._sequence >= s._sequence)
