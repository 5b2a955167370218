-- design §4: is the base without tombstones and superseding rows, and the history without current
-- versions?
-- One output row is one version in the wrong layer. Reads: stored_versions, current_versions.
select s.object, s.data_source, s.id, s._sequence, s.layer
from stored_versions s
where s.layer = 'base' and (s._deleted or s._supersedes is not null)
union all
select s.object, s.data_source, s.id, s._sequence, s.layer
from stored_versions s
left semi join current_versions c on c.object = s.object and c._sequence = s._sequence
where s.layer = 'history'
