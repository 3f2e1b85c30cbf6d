# The front door. Every target is a line; what it does is in the package it calls.
# Variables: STORY=US3  REQ=FR-022  EDGE=EDGE-04  TAGS="@US3 and not @GAP-007"  FAILED_FIRST_FROM=reports/out
#            FAULT=one-bucket  N=20  KEEP=1  ADDITIONS=on|off  CLUSTER=auto|kind|local|existing
#            FLOE_DEMO_SEED_SCALE=1

PYTHON ?= python3
VENV   := .venv
PY     := $(VENV)/bin/python
SOURCES := additions/src benchmarks cluster console controls dashboards demo drivers features foundation gate images reports standins \
           steps tests conftest.py
SETTINGS := STORY REQ EDGE TAGS FAILED_FIRST_FROM FAULT N KEEP ADDITIONS CLUSTER FLOE_DEMO_SEED_SCALE \
            PLATFORM_READY_SECONDS
export $(SETTINGS)

GIVEN := $(foreach name,$(.VARIABLES),$(if $(filter command,$(firstword $(origin $(name)))),$(name)))
$(foreach name,$(filter-out PYTHON VENV ID $(SETTINGS),$(GIVEN)),$(error $(name)= is no variable of this project: see `make help`))

.DEFAULT_GOAL := help
.PHONY: help up images e2e controls soak demo test gate requirements-accept overhead report status down clean lock lint types

help: ## this list
	@grep -hE '^[a-z0-9-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 21
	@echo
	@echo "STORY=US3 one story   REQ=FR-022 one requirement   EDGE=EDGE-04 one edge case"
	@echo 'TAGS="@US3 and not @GAP-007" what they select   FAILED_FIRST_FROM=reports/out what failed there first'
	@echo "FAULT=one-bucket one of the controls   N=20 repetitions of soak, 2 to 1000"
	@echo "KEEP=1 leave the namespaces standing   ADDITIONS=off floe as released, without the additions"
	@echo "CLUSTER=auto|kind|local|existing   FLOE_DEMO_SEED_SCALE=0.1..1000   PLATFORM_READY_SECONDS=120"

$(VENV)/.ready: requirements-uv.lock requirements.lock additions/pyproject.toml console/venv.sh
	@bash console/venv.sh $(PYTHON) $(VENV)

up: $(VENV)/.ready ## start the cluster and load the images
	@$(PY) -m console up

images: $(VENV)/.ready ## build what changed and load it
	@$(PY) -m console images

e2e: $(VENV)/.ready ## everything: cluster, images, every story, report
	@$(PY) -m console e2e

controls: $(VENV)/.ready ## plant each fault (FAULT=, REQ=) and demand that the suite notices it
	@$(PY) -m controls

soak: $(VENV)/.ready ## repeat a story (N=20 STORY=US1) and demand the same result every time
	@$(PY) -m console soak

demo: $(VENV)/.ready ## deploy the demo, run its products, leave it running and print its addresses
	@$(PY) -m console demo

test: $(VENV)/.ready gate lint types ## the suite's own tests: no cluster needed
	@$(PY) -m pytest tests -q -n 2 --dist loadfile --durations=10

gate: $(VENV)/.ready ## the catalogue and language gates alone, in seconds
	@$(PY) -m gate

requirements-accept: $(VENV)/.ready ## ID=FR-022 or all: its scenarios were read against its text
	@$(PY) -m gate accept "$(ID)"

lint: $(VENV)/.ready
	@$(VENV)/bin/ruff check . && $(VENV)/bin/ruff format --check .

types: $(VENV)/.ready
	@$(VENV)/bin/mypy $(SOURCES)

overhead: $(VENV)/.ready ## what the instrument adds to the last run, at most 1 %
	@$(PY) -m reports overhead

report: $(VENV)/.ready ## build the HTML report of the last run
	@$(PY) -m console report

status: $(VENV)/.ready ## what runs: node, releases, addresses
	@$(PY) -m console status

down: $(VENV)/.ready ## end the cluster; leaves the host as it was, keeps what was built
	@$(PY) -m console down

clean: down ## down, and forget the checkout's own output (what was built stays in the user's cache)
	rm -rf .cluster reports/out .mypy_cache .ruff_cache .pytest_cache

lock: $(VENV)/.ready ## renew the lock files after a change of a requirements*.in
	@bash console/lock.sh $(VENV)
