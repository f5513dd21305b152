"""Files that people are handed: set on paper, printed in a process of their own."""
