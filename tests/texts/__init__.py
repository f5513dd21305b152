"""The catalogue: every sentence in every language, and which language is spoken to whom."""
