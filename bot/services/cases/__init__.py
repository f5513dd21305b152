"""Use cases of breach cases, one module for each part of a case's life."""
