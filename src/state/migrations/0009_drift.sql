-- How reality differed: cause, wanted and found as JSON.
ALTER TABLE operations ADD COLUMN drift TEXT;
