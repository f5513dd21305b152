"""Stand-ins for what Pledge talks to, for tests of whole processes."""
