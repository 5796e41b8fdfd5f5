"""The command line, `firstline`: one command a file, each importing what it needs when it runs."""

from worker.cli.main import main

__all__ = ["main"]
