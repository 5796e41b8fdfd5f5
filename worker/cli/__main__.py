"""`python -m worker.cli` is `firstline`."""

from worker.cli import main

main()
