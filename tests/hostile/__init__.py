"""Hostile text: a model that obeys every word of it, and what it can't bring about."""
