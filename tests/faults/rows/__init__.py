"""The rows of the fault matrix: each a function that submits incidents, does harm so many times, and looks."""
