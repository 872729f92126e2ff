# Each target works on a fresh clone: it makes the virtual environment first where that is missing.
REPO ?= .
Q ?= where is the index committed
# Recipes read them as environment variables, as they were written: neither make nor a shell looks for commands in them.
override REPO := $(value REPO)
override Q := $(value Q)
export REPO Q
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
DEV_STAMP := $(VENV)/.installed-dev

.DEFAULT_GOAL := help
.PHONY: help setup dev index search status test lint arch package bench clean

help:  ## list the targets
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

setup: $(STAMP)  ## make .venv and install the program

dev: $(DEV_STAMP)

index: $(STAMP)  ## index REPO (default: this repository)
	@$(BIN)/indexer build -- "$$REPO"
	@printf '\nsearch it:  make search Q="parse http response headers" REPO="%s"\n' "$$REPO"
	@printf '        or  %s/indexer search "parse http response headers" --root "%s"\n' "$(abspath $(BIN))" "$$(cd -- "$$REPO" && pwd)"

search: $(STAMP)  ## search REPO for Q
	@$(BIN)/indexer search --root "$$REPO" -- "$$Q"

status: $(STAMP)  ## what the index of REPO holds
	@$(BIN)/indexer status -- "$$REPO"

test: $(DEV_STAMP)  ## run all tests
	$(BIN)/python -m pytest -n $$(( 2 * $$(getconf _NPROCESSORS_ONLN) )) --dist worksteal

lint: $(DEV_STAMP)  ## format check, lint, types, import contracts
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

arch: $(DEV_STAMP)  ## check that imports point down
	$(BIN)/lint-imports

package: $(DEV_STAMP)  ## build wheel and sdist, and use each in an empty environment
	PYTHON=$(BIN)/python .ci/package

bench: $(DEV_STAMP)  ## run every benchmark (hours) and write its result into benchmarks/results
	$(BIN)/python -m benchmarks

clean:  ## remove the virtual environment
	rm -rf $(VENV)

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(STAMP): pyproject.toml | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	@touch $@

$(DEV_STAMP): pyproject.toml $(STAMP)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check 'pip>=25.1'
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --group dev
	@touch $@
