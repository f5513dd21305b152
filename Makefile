# Everything happens inside .venv; nothing is installed outside this folder.

PYTHON ?= python3
UV ?= uv
ARGS ?=

READY := .venv/.ready
SIDE_BY_SIDE := -n logical --maxprocesses 4 --dist worksteal
PIP := .venv/bin/python -m pip -qq --disable-pip-version-check
LOCK := $(UV) pip compile --quiet --universal --generate-hashes --no-emit-index-url \
	--custom-compile-command "make lock" --extra demo --extra build $(if $(UPGRADE),--upgrade)

# Kept compiled, the program starts in half the time, and the tests start it often.
export PYTHONDONTWRITEBYTECODE :=

.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

.PHONY: help
help: ## show this list
	@echo "Usage: make TARGET [PYTHON=python3.12] [ARGS=...]"
	@sed -n 's/^\([a-z.][a-z-]*\):.*## \(.*\)/  \1	\2/p' $(firstword $(MAKEFILE_LIST))

.PHONY: .venv
.venv: $(READY) ## set up .venv from the lock; .venv/bin/pledge is then the program
	@:

# $(READY) holds the folder it was made in. It is missing while a set-up is under way, so an
# interrupted one starts afresh, and so does one that was copied or lost its Python.
ifneq ($(shell test -x .venv/bin/python && test -x .venv/bin/pledge && cat $(READY)),$(CURDIR))
.PHONY: $(READY)
endif

$(READY): pyproject.toml requirements.lock requirements-dev.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
		found=$$($(PYTHON) --version 2>&1) || found="not found"; \
		echo "Pledge needs Python 3.11 or newer; $(PYTHON) is: $$found." >&2; \
		echo "Name another one, for example: make $(MAKECMDGOALS) PYTHON=python3.12" >&2; \
		exit 1; }
	@echo "Setting up .venv (this takes a minute or two the first time)"
	@{ test -x .venv/bin/python && test "$$(cat $@ 2>/dev/null)" = "$(CURDIR)"; } || \
		$(PYTHON) -m venv --clear .venv
	@rm -f $@
	@$(PIP) install --require-hashes -r requirements-dev.lock
	@$(PIP) install --no-deps --no-build-isolation -e .
	@echo "$(CURDIR)" > $@

.PHONY: demo
demo: .venv ## play the whole story on a simulated Discord, then open it in the browser
	@.venv/bin/pledge demo $(ARGS)

.PHONY: test
test: .venv ## run the tests (ARGS="-k reaction" picks some)
	@.venv/bin/python -m pytest $(SIDE_BY_SIDE) $(ARGS)

.PHONY: torture
torture: .venv ## the long form of the crash tests, with figures (ARGS="--seed 7 --kills 500")
	@.venv/bin/python -m tests.crash $(ARGS)
	@PLEDGE_TORTURE=1 .venv/bin/python -m pytest $(SIDE_BY_SIDE) tests/simulation

.PHONY: fuzz
fuzz: .venv ## feed what reads from outside with made-up input, guided by coverage (ARGS="words --seconds 600")
	@.venv/bin/python -m tests.fuzz $(ARGS)

.PHONY: check
check: .venv ## format, lint, types, import rules, known vulnerabilities
	@.ci/run format lint types imports audit

.PHONY: format
format: .venv ## put the code into the house format
	@.venv/bin/ruff check --quiet --fix-only .
	@.venv/bin/ruff format --quiet .

.PHONY: bench
bench: .venv ## measure acceptances, a large server, a publish, receipts, what facilitators and moderators look at
	@.venv/bin/python -m benchmarks.acceptance $(ARGS)
	@.venv/bin/python -m benchmarks.reconcile
	@.venv/bin/python -m benchmarks.publish
	@.venv/bin/python -m benchmarks.receipt
	@.venv/bin/python -m benchmarks.facilitators
	@.venv/bin/python -m benchmarks.cases
	@.venv/bin/python -m benchmarks.retention

.PHONY: lock
lock: ## write both lock files again (needs uv; UPGRADE=1 takes newer releases)
	@command -v $(UV) >/dev/null 2>&1 || { \
		echo "make lock needs uv (for example: pipx install uv), or UV=/path/to/uv." >&2; exit 1; }
	@$(LOCK) --group dev pyproject.toml --output-file requirements-dev.lock
	@$(LOCK) --constraint requirements-dev.lock pyproject.toml --output-file requirements.lock

.PHONY: clean
clean: ## remove .venv and everything the tools left behind
	@rm -rf .venv .pytest_cache .ruff_cache .hypothesis .import_linter_cache build dist
	@find . -path ./.git -prune -o -name __pycache__ -type d -prune -exec rm -rf {} +
