"""Worlds that are made up by chance, answers of Discord that go wrong, and long absences."""
