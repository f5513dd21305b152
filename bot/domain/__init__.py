"""The rules of Pledge: pure functions and frozen records, no I/O and no clock."""
