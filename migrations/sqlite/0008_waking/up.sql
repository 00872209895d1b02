-- The policy became another one: jobs that wait for days of grace are looked at again, those after
-- this object. NULL: all of them wait by the policy that is in force.
ALTER TABLE app ADD COLUMN waking_after BLOB;
