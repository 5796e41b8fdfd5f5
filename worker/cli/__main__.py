"""`python -m worker.cli` is `firstline`."""

from worker.cli.main import main

main()
