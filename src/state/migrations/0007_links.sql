-- What ties a run to others: the one whose rest it did, the one that it took back; and a digest of what it was made from.
ALTER TABLE runs ADD COLUMN sources TEXT;
ALTER TABLE runs ADD COLUMN resumes TEXT;
ALTER TABLE runs ADD COLUMN undoes TEXT;
