"""Breach cases on real databases."""
