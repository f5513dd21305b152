"""Behavioural tests of Pledge."""
