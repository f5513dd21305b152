"""What people do in Discord, turned into one service call each."""
