# Each target does its own set-up; nothing is needed but Python >= 3.11.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: demo test bench faults lock clean

demo: .venv/run.stamp  ## the main job, on this machine: lab fleet, queue, worker, escalations
	$(BIN)/firstline demo

# Three at once on two cores: much of a test's time is waiting for processes. A file stays together, for what it shares.
test: .venv/dev.stamp  ## lint, types, layers, and every test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/pytest --numprocesses 3 --dist loadfile --no-loadscope-reorder

bench: .venv/dev.stamp  ## performance figures, as ratios measured in one run
	$(BIN)/python -m tests.benchmarks.bulk
	$(BIN)/python -m tests.benchmarks.webhook
	$(BIN)/python -m tests.benchmarks.in_flight
	$(BIN)/python -m tests.benchmarks.redaction

faults: .venv/dev.stamp  ## kill, freeze and cut everything for as long as it takes; writes tests/faults/REPORT.md
	$(BIN)/python -m tests.faults --trials long --minutes 46 --report tests/faults/REPORT.md

# The locks carry hashes and no addresses, so they install from any index.
LOCK = uv pip compile --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --no-emit-index-url --quiet
lock:  ## pin again after a change of dependencies (needs uv)
	printf 'hatchling\neditables\n' | $(LOCK) pyproject.toml - --extra demo -o requirements.txt
	$(LOCK) pyproject.toml --extra demo --extra dev -o requirements-dev.txt

clean:
	rm -rf .venv .pytest_cache .mypy_cache .ruff_cache .import_linter_cache

.venv/run.stamp: requirements.txt pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	touch $@

.venv/dev.stamp: requirements-dev.txt pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	touch $@ .venv/run.stamp
