# `make run` and `make test` need Python >= 3.11 and make, nothing else. PYTHON=python3.12 picks another interpreter;
# PIP_ARGS is handed to pip (for example an index that has torch's CPU build, where yours has not).
PYTHON ?= python3
PIP_ARGS ?=
SCENARIO ?= baseline
BIN = .venv/bin
READY = .venv/.ready

.PHONY: contracts contracts-check docs run test test-all bench sbom audit lint lock clean help

help:
	@echo "make run    set up .venv, run the $(SCENARIO) scenario, print its key figures and write the report"
	@echo "make test   set up .venv and run the tests (make test-all: the slow ones too)"
	@echo "make bench  speed and memory against peers and limits, and against the last release (python -m benchmarks --help)"
	@echo "make lint   ruff and mypy"
	@echo "make docs   the documentation site in build/site, built strictly"
	@echo "make sbom   bill of materials (CycloneDX) and table of licences of what is installed, in build/"
	@echo "make audit  known vulnerabilities of every pinned package (asks the index's advisories, so it needs the internet)"
	@echo "make contracts  compile the contracts (needs node); contracts-check compares, then forge, slither, halmos"
	@echo "make lock   refresh constraints.txt from pyproject.toml in an environment of its own"
	@echo "make clean  remove .venv and caches; runs/ stays"

run: $(READY)
	$(BIN)/python -m twin run $(SCENARIO)
	$(BIN)/python -m twin report $(SCENARIO)

test: $(READY)
	$(BIN)/python -m pytest -n auto --dist loadfile --no-loadscope-reorder -m "not slow"

test-all: $(READY)
	$(BIN)/python -m pytest -n auto --dist loadfile

bench: $(READY)
	-$(BIN)/pip install -q $(PIP_ARGS) -c constraints.txt -e ".[bench]"
	$(BIN)/python -W ignore -m benchmarks --against benchmarks/last.json

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# NO_MKDOCS_2_WARNING: the theme's notice about its successor, printed at every build.
docs: export NO_MKDOCS_2_WARNING = 1
docs: $(READY)
	mkdir -p build
	$(BIN)/python -m twin validate --json > build/validation.json
	$(BIN)/python -m mkdocs build --strict --config-file deploy/site/mkdocs.yml
	@echo "build/site/index.html; its search needs a server: $(BIN)/python -m http.server --directory build/site"

# An environment of its own, as the tool is no part of the twin. The table of licences is a page of `make docs`.
sbom: $(READY)
	mkdir -p build
	test -x .venv-sbom/bin/cyclonedx-py || $(PYTHON) -m venv .venv-sbom
	.venv-sbom/bin/pip install -q $(PIP_ARGS) "cyclonedx-bom>=7,<8"
	.venv-sbom/bin/cyclonedx-py environment --pyproject pyproject.toml --output-reproducible --of JSON \
	  -o build/sbom.json $(BIN)/python
	$(BIN)/python -m deploy.site.licences > build/licences.md
	@echo "build/sbom.json (CycloneDX), build/licences.md"

audit:
	test -x .venv-sbom/bin/pip-audit || $(PYTHON) -m venv .venv-sbom
	.venv-sbom/bin/pip install -q $(PIP_ARGS) "pip-audit>=2.9,<3"
	.venv-sbom/bin/pip-audit --requirement constraints.txt --no-deps --disable-pip --strict

$(READY): pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "Python 3.11 or newer is needed; name one with make PYTHON=...")'
	$(PYTHON) -m venv .venv
	$(BIN)/pip install -q $(PIP_ARGS) -c constraints.txt -e ".[dev]"
	touch $(READY)

lock:
	rm -rf .venv-lock
	$(PYTHON) -m venv .venv-lock
	.venv-lock/bin/pip install -q $(PIP_ARGS) -e ".[dev,bench]"
	.venv-lock/bin/pip freeze --exclude-editable | sed 's/+cpu$$//' > constraints.txt
	rm -rf .venv-lock

clean:
	rm -rf .venv .venv-lock .venv-checks .venv-sbom .pytest_cache .mypy_cache .ruff_cache .hypothesis *.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# Node is needed to change a contract, never to use or test one.
contracts:
	cd contracts && npm ci --silent && node compile.js

# An environment of its own: slither and halmos pin packages that the twin has in other versions.
CHECKS = .venv-checks/bin
contracts-check: export PATH := $(CURDIR)/$(CHECKS):$(CURDIR)/contracts/node_modules/.bin:$(PATH)
contracts-check:
	cd contracts && npm ci --silent && node compile.js --check
	test -x $(CHECKS)/slither || $(PYTHON) -m venv .venv-checks
	$(CHECKS)/pip install -q $(PIP_ARGS) -r contracts/checks/requirements.txt
	cd contracts && forge test
	cd contracts && forge build --build-info --skip './checks/**' --out checks/slither && \
	  slither . --ignore-compile --foundry-out-directory checks/slither --filter-paths 'node_modules|HostileReceiver|OnChainBook' \
	    --exclude-informational --exclude-optimization --json - 2> /dev/null | $(CURDIR)/$(CHECKS)/python checks/findings.py
	cd contracts && halmos --contract SymbolicTest --forge-build-out checks/out --solver-timeout-assertion 10m
