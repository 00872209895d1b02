DROP TABLE index_build;
DROP TABLE schema_definition;
ALTER TABLE organization DROP COLUMN registry;
