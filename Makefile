# Two commands matter: `make demo` and `make test`. Each does all its own set-up in .venv.
SHELL := /bin/bash
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
OUT    ?= demo
SEED   ?= 1

.PHONY: help demo test lint types unit setup lock clean
.DEFAULT_GOAL := help

help:            ## what can be made
	@grep -hE '^[a-z]+: .*##|^[a-z]+:  *##' $(MAKEFILE_LIST) | sed -E 's/:.*##/\t/' | expand -t 12

setup: $(VENV)/.ready  ## make .venv from requirements.lock and compile the kernels

$(VENV)/.ready: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || \
	  { echo "hallmark: needs Python 3.11 or newer as '$(PYTHON)' (apt-get install python3)"; exit 2; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || \
	  { echo "hallmark: this Python has no venv: apt-get install python3-venv"; exit 2; }
	@echo "hallmark: setting up $(VENV)"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@$(BIN)/python -m kernels
	@touch $@

demo: setup      ## the main job on real images: seal, first article, lot, OQC, HTTP; results in ./demo
	@$(BIN)/hallmark demo --out $(OUT) --seed $(SEED)

test: setup lint types unit  ## lint, types, room contracts and every test

lint: setup      ## ruff and the import contracts
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/lint-imports --no-logo

types: setup     ## pyright, strict
	@$(BIN)/basedpyright --warnings

unit: setup      ## pytest on all cores, with coverage
	@$(BIN)/python -m pytest -n auto --dist loadgroup --cov --cov-report=term:skip-covered

lock: setup      ## refresh requirements.lock (needs uv)
	uv pip compile pyproject.toml --extra dev --universal --generate-hashes --no-header --no-annotate --upgrade -o requirements.lock

clean:           ## remove .venv and what the demo made
	rm -rf $(VENV) $(OUT)
