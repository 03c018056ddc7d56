# Needs Python 3.11 or newer, and nothing else. Every target is a sentence; `make` alone lists them.

export PATH := $(CURDIR)/.backstay/tools/bin:$(PATH)
RUN := uv run --frozen
# A test that runs processes and sockets and fails is run once more, and told as RERUN (decision 0020).
ONCE_MORE := --reruns 1 -rR

.DEFAULT_GOAL := help
.PHONY: help demo test up down lint bench chaos fuzz audit aws-check ready

help: ## List what there is to make.
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1|\2/p' $(MAKEFILE_LIST) | awk -F'|' '{printf "%-18s %s\n", $$1, $$2}'

demo: ready ## Show everything: a private cloud on this machine, every sample event, a table of what came of them.
	$(RUN) backstay demo

test: ready lint ## Run every check and every test, as CI does.
	$(RUN) python -m tests.side_by_side "tests/e2e $(ONCE_MORE)" \
		"tests/integration $(ONCE_MORE) --numprocesses auto --maxprocesses 4 --dist loadfile" \
		"tests/infra tests/contract $(ONCE_MORE)" "tests/unit $(ONCE_MORE)" "tests/browser $(ONCE_MORE)"

up: ready ## Start the embedded cloud, or deploy anew into the one that runs.
	$(RUN) backstay up

down: ready ## Stop the embedded cloud and remove its state.
	$(RUN) backstay down

lint: ready node_modules/.package-lock.json ## Check style, types and the direction of imports.
	$(RUN) ruff check
	$(RUN) ruff format --check
	$(RUN) mypy
	$(RUN) lint-imports
	$(RUN) npm run --silent page-types

bench: ready ## Measure what the design promises, and write it to bench/results.json.
	$(RUN) python -m bench

chaos: ready ## Do to it what it claims to survive, for some minutes, and write .backstay/chaos.json.
	$(RUN) python -m tests.chaos

fuzz: ready ## Ask every route of the API what its document permits and what it doesn't, a hundred times each.
	BACKSTAY_FUZZ_EXAMPLES=100 $(RUN) pytest tests/integration/api/test_fuzz.py

audit: ready ## Ask the network whether a dependency has a known vulnerability.
	uv export --frozen --all-groups --no-emit-project --quiet --output-file .backstay/requirements.txt
	uvx pip-audit --requirement .backstay/requirements.txt --disable-pip --require-hashes --strict

aws-check: ready ## Check on a stage on AWS (STAGE=dev) what an emulator can't show; tells what it costs, and asks.
	$(RUN) backstay --stage $(or $(STAGE),dev) aws-check

node_modules/.package-lock.json: package-lock.json
	$(RUN) npm ci --no-audit --no-fund --silent

ready:
	@./.ci/prepare
