"""The core: one bounded investigation, pure. Model, tools, journal and clock are protocols to it."""
