-- design §4: is every version of every record stored once?
-- One output row is one version that present and history store more than once.
-- Reads: stored_versions.
select object, _sequence, count(*) as versions
from stored_versions
group by object, _sequence
having count(*) > 1
