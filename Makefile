# Solverscope: `make app` and `make test` do all their own set-up.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
# Recipes share .venv: one at a time, whatever -j says.
.NOTPARALLEL:

BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --no-input
RUN := .venv/.stamp-run
DEV := .venv/.stamp-dev
BENCH := .venv/.stamp-bench
WORKERS ?= 2
# Options for Streamlit, such as OPTIONS="--server.port 8600 --server.address 0.0.0.0".
OPTIONS ?=

# One thread a process: the workers share the cores.
test bench: export OMP_NUM_THREADS = 1
# sys.path holds the folder itself, nothing from the caller's environment.
unexport PYTHONPATH PYTHONHOME

.PHONY: help app test unit lint format bench screenshots browser environment clean

help: ## Say what there is
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## (.*)/  make \1\t\2/' | expand -t 22

app: $(RUN) ## Set up if needed and start the app in a browser
	$(BIN)/python -m streamlit run app.py $(OPTIONS)

test: lint browser ## Set up if needed, then run every check and test
	$(BIN)/python -m pytest -n $(WORKERS) --no-loadscope-reorder --dist loadfile \
		--cov=core --cov-report=term --cov-fail-under=90 --durations=15

unit: $(DEV) ## The tests that need no browser
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n $(WORKERS) --no-loadscope-reorder --dist loadfile \
		--ignore=tests/browser

lint: $(DEV) ## Style, format and import floors
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports --no-logo

format: $(DEV) ## Rewrite files in the project's format
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(BENCH) ## Timings side by side with other libraries
	@for script in benchmarks/*.py; do \
		module="$${script%.py}"; echo "== $$module"; $(BIN)/python -m "$${module//\//.}"; \
	done

screenshots: browser ## Pictures of every page into screenshots/
	$(BIN)/python -m scripts.screenshots

browser: $(DEV) ## Find Chromium, or install it
	@scripts/browser.sh

environment: $(DEV) ## Only set up .venv

clean: ## Remove caches, pictures and runs; .venv stays
	rm -rf .pytest_cache .ruff_cache .import_linter_cache .hypothesis .coverage .coverage.* htmlcov screenshots runs
	find . -name __pycache__ -not -path './.venv/*' -prune -exec rm -rf {} +

# Stamps: requirements are installed again only when they change or .venv is new.
.venv/bin/python:
	@scripts/environment.sh

.venv/pyvenv.cfg: .venv/bin/python
	@touch $@

$(RUN): requirements.txt .venv/pyvenv.cfg
	$(PIP) install -r requirements.txt
	@touch $@

$(DEV): requirements-dev.txt requirements.txt .venv/pyvenv.cfg
	$(PIP) install -r requirements-dev.txt
	@touch $@ $(RUN)

$(BENCH): requirements-bench.txt $(DEV)
	$(PIP) install --no-deps -r requirements-bench.txt
	@touch $@
