# Needs Python 3.11 or newer, make and a package index; everything else is brought into .venv.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
UV_VERSION := 0.13.9
BIN := .venv/bin
# More than the cores of a small machine: half of a test's time is waiting for what Slack paces and clocks grant.
WORKERS ?= 3

# Compiled modules are kept: the tests start the program some hundred times.
export PYTHONDONTWRITEBYTECODE =

.DEFAULT_GOAL := help
.PHONY: help demo test test-long check bench

help:
	@echo "make demo       set everything up and run the bot against a sandbox: no accounts, no network"
	@echo "make test       run the tests: some minutes on two cores"
	@echo "make test-long  run what takes minutes: crashes at random moments, races between processes"
	@echo "make check      format, lint, types, import rules, migrations"
	@echo "make bench      measure this bot against a minimal script, on this machine, in one run"

.venv/.ready: pyproject.toml uv.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed: make PYTHON=/path/to/python3.11"; exit 1; }
	@echo "Setting up .venv: about a minute the first time ..."
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@test -x $(BIN)/uv || $(BIN)/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)
	@VIRTUAL_ENV= $(BIN)/uv sync --frozen --quiet --compile-bytecode
	@touch $@

demo: .venv/.ready
	@$(BIN)/chatbot sandbox

test: .venv/.ready
	@$(BIN)/pytest -n $(WORKERS) --dist worksteal -m "not long"

test-long: .venv/.ready
	@$(BIN)/pytest -n $(WORKERS) --dist worksteal -m long

check: .venv/.ready
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	rm -f .venv/check.db*
	CHATBOT_DATABASE__URL=sqlite:///.venv/check.db $(BIN)/chatbot migrate
	CHATBOT_DATABASE__URL=sqlite:///.venv/check.db $(BIN)/alembic check

bench: .venv/.ready
	@$(BIN)/python -m bench
