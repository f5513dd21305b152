"""`/pledge check`, as people in Discord see it."""
