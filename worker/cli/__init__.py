"""The command line, `firstline`: one command a file, each importing what it needs when it runs."""

import signal

__all__ = ["main"]


def main() -> None:
    """Run one command. Ctrl-C while it is still loading ends it: Python may lose a `KeyboardInterrupt` in an import."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    from worker.cli.main import run

    run()
