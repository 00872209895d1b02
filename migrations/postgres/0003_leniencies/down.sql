DROP TABLE leniency;
