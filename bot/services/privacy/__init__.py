"""What Pledge holds about one person: shown to them, exported, and erased."""
