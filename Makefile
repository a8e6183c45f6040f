# `make demo` sees the main job; `make test` passes every check. Both set everything up in .venv first.
# Needed beforehand: CPython 3.11 or newer with venv, pip and its headers, a C compiler, make.

VENV := .venv
BIN := $(VENV)/bin
EXTENSION_SOURCES := setup.py $(shell find compiler engine -name '*.pyx' -o -name '*.pxd' -o -name '*.h')

.DEFAULT_GOAL := help
.PHONY: help setup demo test bench bench-peers bench-volume bench-ledger policies docs format clean distclean

help: ## Say what can be made.
	@sed -n 's/^\([a-z-]*\):[^#]*## \(.*\)/make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 20

# An environment: made once, from PYTHON if given, else from the newest interpreter that serves.
$(BIN)/python:
	@echo "== environment in $(VENV)"
	@set -e; python="$${PYTHON:-$$(scripts/find_python.sh)}"; echo "   $$python"; "$$python" -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check 'setuptools>=80' 'cython>=3.1'

# Without isolation, so that the install and every later rebuild use one Cython.
$(VENV)/.installed: pyproject.toml | $(BIN)/python
	@echo "== dependencies, and clausal itself as an editable install"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-build-isolation -e '.[dev]'
	@touch $@

$(VENV)/.built: $(EXTENSION_SOURCES) $(VENV)/.installed
	@echo "== extension, in place"
	@CLAUSAL_CHECKED= CLAUSAL_SANITIZE= $(BIN)/python setup.py --quiet build_ext --inplace
	@touch $@

setup: $(VENV)/.built ## Make .venv, install everything, build the extension; at once when nothing changed.

demo: setup ## Generate events, compile the shipped policies, decide, and look at the result.
	@scripts/demo.sh $(BIN)/clausal build/demo

test: setup ## Run every check: style, types, tests, checked build, fuzzing, docs, wheel.
	@scripts/check.sh

# Each part leaves its figures in benchmarks/results/, and the page is made of all that are there.
BENCH := $(BIN)/python -P benchmarks/run.py

$(VENV)/.bench: pyproject.toml $(VENV)/.built
	@echo "== what is measured beside"
	@$(BENCH) libraries
	@touch $@

bench: setup $(VENV)/.bench ## Measure the suites, memory and loading, into benchmarks/RESULTS.md.
	@mkdir -p build
	@$(BIN)/pytest benchmarks --benchmark-enable --benchmark-only --benchmark-json=build/benchmark.json
	@$(BENCH) footprint
	@$(BENCH) report --suites build/benchmark.json

bench-peers: setup $(VENV)/.bench ## Measure Clausal beside other engines; PEERS="--rules 1000" for a part.
	@$(BENCH) peers $(PEERS)
	@$(BENCH) report

bench-volume: setup $(VENV)/.bench ## Decide 50 million generated events with all policies that ship.
	@$(BENCH) volume --way arrow $(VOLUME)
	@$(BENCH) volume $(VOLUME)
	@$(BENCH) report

bench-ledger: setup ## Fill a ledger in SQLite and one in PostgreSQL with a million entries, and ask.
	@$(BENCH) ledger $(LEDGER)
	@$(BENCH) report

policies: setup ## Check the quality of the shipped policies; NOTICES=FOLDER to hold quotes against them.
	@scripts/policies.sh

docs: setup ## Build the documentation into build/docs.
	@scripts/check.sh docs

format: setup ## Format the code and mend what the linter can.
	@$(BIN)/ruff check --fix --exit-zero --quiet
	@$(BIN)/ruff format

clean: ## Remove what was built; keep .venv.
	rm -rf build dist *.egg-info .hypothesis compiler/text/*.so engine/*.so $(VENV)/.built
	find . -name __pycache__ -not -path './$(VENV)/*' -prune -exec rm -rf {} +

distclean: clean ## Remove .venv too.
	rm -rf $(VENV)
