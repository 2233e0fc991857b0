-- Who declared a resource: the host whose thread did, which is another one under delegation (empty: the host itself),
-- and how: JSON with the operation, the user it acted as and the handlers it notified.
ALTER TABLE resources ADD COLUMN actor TEXT NOT NULL DEFAULT '';
ALTER TABLE resources ADD COLUMN origin TEXT;
CREATE INDEX resources_by_actor ON resources (inventory, playbook, actor);
