"""Breach cases on the simulated Discord."""
