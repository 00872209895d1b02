-- What a run or a person allows of one object is a number, and what is held says how much.

-- So much may be taken away whatever the hour's limit says; `approved`: by a person, and not counted.
ALTER TABLE job ADD COLUMN allowed_deactivations BIGINT NOT NULL DEFAULT 0;
ALTER TABLE job ADD COLUMN allowed_deletions BIGINT NOT NULL DEFAULT 0;
ALTER TABLE job ADD COLUMN allowed_memberships BIGINT NOT NULL DEFAULT 0;
-- What was counted for the hour and is not done, of which limit, and since when.
ALTER TABLE job ADD COLUMN counted BIGINT NOT NULL DEFAULT 0;
ALTER TABLE job ADD COLUMN counted_limit TEXT COLLATE "C";
ALTER TABLE job ADD COLUMN counted_us BIGINT;
-- How much a parked job would take away, and whose limit holds it.
ALTER TABLE job ADD COLUMN held BIGINT NOT NULL DEFAULT 0;
ALTER TABLE job ADD COLUMN held_limit TEXT COLLATE "C";

-- What an object of a plan would take away.
ALTER TABLE run_item ADD COLUMN deactivations BIGINT NOT NULL DEFAULT 0;
ALTER TABLE run_item ADD COLUMN deletions BIGINT NOT NULL DEFAULT 0;
ALTER TABLE run_item ADD COLUMN memberships BIGINT NOT NULL DEFAULT 0;

-- An account that was approved stays so; of a group it is not known how many members were meant.
UPDATE job SET allowed_deactivations = 1, allowed_deletions = 1 WHERE approved AND kind <> 'Group';
UPDATE job SET approved = FALSE WHERE run_id IS NOT NULL OR kind = 'Group';
-- What waits says how much it is: of a group no more than all its members.
UPDATE job SET held = 1, held_limit = CASE WHEN error LIKE '%were deleted within an hour%'
    THEN 'deletions' ELSE 'deactivations' END
  WHERE state = 'parked' AND error LIKE '{"cause":"guard",%';
UPDATE job SET held_limit = 'memberships', held = (SELECT COUNT(*) FROM link_member m
    WHERE m.organization = job.organization AND m.app_id = job.app_id AND m.group_id = job.resource_id)
  WHERE state = 'parked' AND error LIKE '{"cause":"guard",%' AND error LIKE '%were taken out of groups%';
