"""Pledge: a Discord bot that keeps the confidentiality agreements of peer support groups."""
