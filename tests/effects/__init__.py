"""The outbox worker and what keeps it within the limits of Discord."""
