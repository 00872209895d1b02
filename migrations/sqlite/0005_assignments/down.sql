DROP TABLE account_reference;
DROP TABLE assignment;
