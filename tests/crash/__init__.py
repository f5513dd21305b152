"""The bot as a real process that is killed: at named points, at random, and by power loss."""
