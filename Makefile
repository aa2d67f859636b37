# `make help` lists what there is. Each target does the set-up that it needs by itself.

DIR ?= ./lab
LISTEN ?= 127.0.0.1:8080
NOX := .venv/bin/nox --no-venv --non-interactive --error-on-missing-interpreters

.DEFAULT_GOAL := help
.PHONY: help setup run test check coverage mutate docs bench clean

help: ## This list.
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1|\2/p' Makefile | column -t -s '|' 2>/dev/null \
		|| sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1  \2/p' Makefile

.venv/.ready: uv.lock pyproject.toml tools/setup tools/uv.txt
	@tools/setup python

setup: .venv/.ready ## Make .venv with all dependencies, and install SoftHSM2 where it is missing.
	@tools/setup module

run: setup ## Stand up a lab trust service provider (DIR=./lab LISTEN=127.0.0.1:8080) and serve it.
	@exec .venv/bin/trustworks lab --dir '$(subst ','\'',$(DIR))' --listen '$(LISTEN)'

test: setup ## Run all tests (ARGS="..." is handed to pytest).
	@tools/setup tests
	@$(NOX) -s tests -- $(ARGS)

check: setup ## Style, types, import rules, and the table of requirements.
	@$(NOX) -s lint types imports
	@$(NOX) -s trace -- --allow-not-run

coverage: setup ## Run all tests and tell which lines and branches none of them reached.
	@tools/setup tests
	@$(NOX) -s coverage -- $(ARGS)

mutate: setup ## Disable each rule in turn; a test must notice.
	@tools/setup tests
	@$(NOX) -s mutate-rules -- $(ARGS)

docs: setup ## Build the documentation in docs/_build.
	@$(NOX) -s docs

bench: setup ## Run the benchmarks, each beside its reference.
	@$(NOX) -s bench -- $(ARGS)

clean: ## Remove .venv and what tests and tools left behind (not ./lab).
	@rm -rf .venv .trace .nox .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis docs/_build .coverage*
