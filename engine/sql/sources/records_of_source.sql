-- Which records does a data source have?
-- One output row is the id of a record. Parameters: $data_source.
-- Reads: records (the current versions of one type).
select id from records where data_source = $data_source
