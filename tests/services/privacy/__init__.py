"""What is held about one person: shown, exported, erased."""
