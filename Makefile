# Every target is one line; what it does stands in scripts/. Pass more with ARGS="...".
.PHONY: help setup run test check bench bench-peers soak chaos load screenshot format clean
.DEFAULT_GOAL := help

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1	\2/p' Makefile

setup: ## make .venv with the locked versions; quick when nothing changed
	@sh scripts/setup.sh

run: ## set up and start Interlock: dashboard and worker
	@sh scripts/setup.sh && exec .venv/bin/interlock up $(ARGS)

test: ## set up, system parts included, and run every test
	@sh scripts/test.sh $(ARGS)

check: ## format, lint, types, import contracts
	@sh scripts/check.sh

bench: ## measure; the other side runs in the same call
	@sh scripts/setup.sh dev && sh scripts/system_parts.sh && .venv/bin/python tests/bench $(ARGS)

bench-peers: ## the same work on bare LangGraph, on langgraph dev and on us, in turn
	@sh scripts/setup.sh dev && sh scripts/system_parts.sh && .venv/bin/python tests/bench/peers.py $(ARGS)

soak: ## the long measurement: memory and speed over thousands of runs, the API asked thousands of times
	@sh scripts/setup.sh dev && sh scripts/system_parts.sh && .venv/bin/python tests/bench soak $(ARGS)

chaos: ## many workers while everything fails: kills, pauses, restarts, cut cables; ends with 1 on any loss
	@sh scripts/setup.sh dev && sh scripts/system_parts.sh postgres && .venv/bin/python tests/chaos $(ARGS)

load: ## a thousand launches at fifty at once and a decision on each, through the API of a server started here
	@sh scripts/setup.sh dev && sh scripts/system_parts.sh postgres && .venv/bin/python tests/load $(ARGS)

screenshot: ## take the pictures of the README and of docs/screens.md from the running product
	@sh scripts/setup.sh dev && sh scripts/system_parts.sh browser && .venv/bin/python scripts/screenshots.py $(ARGS)

format: ## format the code and mend what lint can mend
	@sh scripts/setup.sh dev && .venv/bin/ruff check --fix-only --quiet . && .venv/bin/ruff format .

clean: ## remove what was built; .venv and .interlock stay
	@rm -rf build dist .coverage .coverage.* htmlcov .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
