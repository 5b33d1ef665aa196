# turnout: the two commands are `make run` and `make test`.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.PHONY: run test check check-python check-types check-sql check-pages check-definitions check-tests ui bench bench-large soak clean lock format

run: $(STAMP)  ## the main job on the embedded sandbox, end to end
	$(BIN)/turnout demo

ui: $(STAMP)  ## Dagster on the same data
	$(BIN)/turnout demo --ui

test: $(STAMP)  ## all tests
	$(BIN)/python -m pytest -q -n auto tests

bench: $(STAMP) $(VENV)/.bench  ## every figure that has a target, beside naive SQL, Polars, pandas and dlt (half an hour)
	$(BIN)/python -m benchmarks --events 2e6,20e6 --write

bench-large: $(STAMP) $(VENV)/.bench  ## the same with 100 million events too (two hours, 25 GB of disk)
	$(BIN)/python -m benchmarks --events 2e6,20e6,100e6 --write

$(VENV)/.bench: $(STAMP) benchmarks/requirements.lock
	@$(UV) pip install --quiet --python $(BIN)/python --require-hashes --no-deps -r benchmarks/requirements.lock \
		|| $(PIP) --require-hashes -r benchmarks/requirements.lock
	@touch $@

check: $(STAMP)  ## format, lint, types, SQL, definitions, two at a time
	@$(MAKE) --no-print-directory --jobs=2 --output-sync check-sql check-types check-definitions check-tests check-pages check-python

check-python:
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

check-types:
	$(BIN)/mypy

check-sql:
	$(BIN)/sqlfluff lint sql

check-pages:
	$(BIN)/python -m tests.house.pages --check

check-definitions:
	$(BIN)/dagster definitions validate -w workspace.yaml

check-tests:  # that all can be collected; each worker of `make test` finds them compiled then
	@echo $(BIN)/python -m pytest --collect-only tests
	@found=$$($(BIN)/python -m pytest -q --collect-only tests) || { echo "$$found"; exit 2; }

format: $(STAMP)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

lock: $(STAMP)  ## write requirements.lock anew from the ranges in pyproject.toml
	$(BIN)/uv pip compile --universal --python-version 3.11 --all-extras --generate-hashes --no-emit-index-url --no-header -q pyproject.toml -o requirements.lock

# uv installs in a fifth of pip's time; where it does not reach what pip is set up to reach, pip does it all
UV := $(if $(PIP_INDEX_URL),UV_DEFAULT_INDEX="$(PIP_INDEX_URL)") $(if $(PIP_CERT),SSL_CERT_FILE="$(PIP_CERT)") $(BIN)/uv
COMPILED := $(if $(PYTHONDONTWRITEBYTECODE),--compile-bytecode)
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps $(if $(PYTHONDONTWRITEBYTECODE),,--no-compile)

$(STAMP): requirements.lock pyproject.toml
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed: install it, or run make PYTHON=/path/to/python3"; exit 2; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "Installing what requirements.lock names (once; about half a minute)"
	@awk '/^[^ #]/ { uv = /^uv==/ } uv' requirements.lock > $(VENV)/installer.lock
	@$(PIP) --require-hashes -r $(VENV)/installer.lock
	@$(UV) pip install --quiet --python $(BIN)/python --require-hashes --no-deps -r requirements.lock $(COMPILED) \
		|| { echo "uv cannot; pip goes on (two minutes)"; $(PIP) --require-hashes -r requirements.lock; }
	@$(PIP) --no-build-isolation -e .
	@touch $(STAMP)

soak: $(STAMP)  ## a simulated month, calm and through faults (hours; goes on where it ended), short histories, odd input, every kill
	$(BIN)/python -m tests.soak.month --days $(or $(DAYS),30) --seed $(or $(SEED),1) --every 1 --keep $(or $(KEEP),.soak)
	$(BIN)/python -m tests.soak.month --days 2 --every 4 --seed $(or $(SEED),1) --histories $(or $(HISTORIES),40)
	TURNOUT_FUZZ=$(or $(FUZZ),20) $(BIN)/python -m pytest -q -n auto tests/fuzz
	TURNOUT_HISTORIES=3000 $(BIN)/python -m pytest -q tests/properties
	$(BIN)/python -m tests.replay.sweep

clean:  ## the environment and everything derived; the event log stays
	rm -rf $(VENV) data/models data/plans data/quality data/warehouse.duckdb .pytest_cache .mypy_cache .ruff_cache
