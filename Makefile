# Two commands matter: `make demo` and `make test`. Each does all its own set-up in .venv. Training has an
# environment of its own, .venv-train, since torch is large and nothing that inspects needs it.
SHELL := /bin/bash
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
PIP    := $(BIN)/python -m pip install --quiet --no-input --disable-pip-version-check --no-warn-script-location
OUT    ?= demo
SEED   ?= 1
MODEL  ?= build/s4
TRAIN  := .venv-train
SAMPLE ?= 100

.PHONY: help demo test lint types unit cover setup train-setup train mutants reference lock clean
.DEFAULT_GOAL := help

help:            ## what can be made
	@grep -hE '^[a-z-]+: .*##|^[a-z-]+:  *##' $(MAKEFILE_LIST) | sed -E 's/:.*##/\t/' | expand -t 14

setup: $(VENV)/.ready  ## make .venv from requirements.lock and compile the kernels

# A half-made .venv (no working pip) is made anew; pip continues where an interrupted run stopped.
$(VENV)/.installed: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || \
	  { echo "hallmark: needs Python 3.11 or newer as '$(PYTHON)' (apt-get install python3)"; exit 2; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || \
	  { echo "hallmark: this Python cannot make environments (apt-get install python3-venv)"; exit 2; }
	@echo "hallmark: setting up $(VENV) (about 1.1 GB; minutes on a slow connection)"
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv --clear $(VENV)
	@$(PIP) --require-hashes -r requirements.lock
	@$(PIP) --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.ready: $(VENV)/.installed
	@echo "hallmark: compiling the kernels"
	@$(BIN)/python -m kernels
	@touch $@

train-setup: $(TRAIN)/.ready  ## make .venv-train, where `hallmark model train` fits

$(TRAIN)/.ready: requirements-train.txt
	@echo "hallmark: setting up $(TRAIN) (torch; minutes on a slow connection)"
	@$(TRAIN)/bin/python -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv --clear $(TRAIN)
	@$(TRAIN)/bin/python -m pip install --quiet --no-input --disable-pip-version-check -r requirements-train.txt
	@touch $@

# About 35 minutes on two cores that do nothing else; fitting is many times slower on cores it must share.
# The allocator keeps the memory of a step for the next one, which saves a tenth of its time and more.
train: setup train-setup  ## make the defect model of board S4 from the golden image alone; result in MODEL
	@$(BIN)/hallmark model draw --out build/train
	@OMP_NUM_THREADS=2 MALLOC_MMAP_THRESHOLD_=1073741824 MALLOC_TRIM_THRESHOLD_=1073741824 \
	  MALLOC_TOP_PAD_=268435456 $(TRAIN)/bin/python -m models.train build/train --out $(MODEL)
	@$(BIN)/hallmark model evaluate $(MODEL) --units 30 --good 60 --write --against models/released/s4

demo: setup      ## the main job on real images: seal, first article, lot, OQC, HTTP; results in ./demo
	@$(BIN)/hallmark demo --out $(OUT) --seed $(SEED)

test: setup lint types unit  ## lint, types, room contracts and every test

lint: $(VENV)/.installed  ## ruff and the import contracts
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/lint-imports --no-logo

types: $(VENV)/.installed  ## pyright, strict; models/train too where .venv-train is
	@$(BIN)/basedpyright --warnings
	@test ! -e $(TRAIN)/.ready || $(BIN)/basedpyright --warnings -p .ci/train-types.json

unit: setup      ## pytest on all cores
	@$(BIN)/python -m pytest -n auto --dist loadgroup

# Apart from `unit`: before Python 3.12 counting branches takes 17 % more time in vision, 70 % in quality and api.
cover: setup     ## the same tests with coverage of branches
	@$(BIN)/python -m pytest -n auto --dist loadgroup --cov --cov-report=term:skip-covered

mutants: setup   ## put small faults into quality/ and golden/conformity and tell which the tests miss (long)
	@nice -n 10 $(BIN)/python -m benchmarks.mutants --sample $(SAMPLE) --seed $(SEED) $(GROUP)

reference: setup  ## write the reference pages that are made from the code
	@$(BIN)/python -m hallmark.reference docs/reference
	@$(BIN)/hallmark eligibility tests/oracles --markdown docs/reference/eligibility.md >/dev/null

lock: setup      ## refresh requirements.lock (needs uv)
	uv pip compile pyproject.toml --extra dev --universal --generate-hashes --no-header --no-annotate --upgrade -o requirements.lock

clean:           ## remove both environments and what demo and training made
	rm -rf $(VENV) $(TRAIN) build $(OUT)
