# Two commands: `make run` to see it work, `make test` to know that it does. `make help` lists the rest.

PYTHON ?= python3
PORT ?= 8000
DB ?= onetrail.db

SUDO := $(if $(filter 0,$(shell id -u)),,sudo )
APT := DEBIAN_FRONTEND=noninteractive $(SUDO)apt-get -y -q

# What tests run: a browser, curl and Graphviz of the docs, the programs for which deploy/ has examples, and strace, of
# which power cuts are made.
TEST_TOOLS := chromium curl dot nginx caddy systemd-analyze strace
TEST_PACKAGES := chromium curl graphviz nginx-light caddy systemd strace

.PHONY: help run test test-python test-js lint format build docs-pictures screenshots bench clean

help:  ## list the targets
	@grep -E '^[a-z-]+:.*##' Makefile | sed -E 's/:.*## /\t/' | expand -t 14

run: .venv/run-installed  ## install and start the collector with its demo page (PORT=8000 DB=onetrail.db)
	@exec .venv/bin/onetrail-collector serve --db $(DB) --port $(PORT) --demo

test: test-js test-python  ## install what the tests need, and run all of them

test-python: .venv/dev-installed js/node_modules/.installed
	@(PATH="$$PATH:/usr/sbin"; for tool in $(TEST_TOOLS); do command -v $$tool >/dev/null || exit; done) \
	  || { $(APT) update && $(APT) install $(TEST_PACKAGES); }
	.venv/bin/pytest --numprocesses=2 --dist=loadfile

test-js: js/node_modules/.installed
	cd js && npm test

lint: .venv/dev-installed js/node_modules/.installed  ## linters and type checks
	.venv/bin/ruff check
	.venv/bin/ruff format --check
	.venv/bin/mypy
	cd js && npm run check

format: .venv/dev-installed  ## let ruff write the code as it likes it
	.venv/bin/ruff check --fix
	.venv/bin/ruff format

build: js/node_modules/.installed  ## build the tracker into the collector's package
	cd js && npm run build

# The hash tells the test whether a picture is that of its source, where Graphviz is not installed.
docs-pictures:  ## render docs/identity/*.dot to SVG
	@command -v dot >/dev/null || { $(APT) update && $(APT) install graphviz; }
	@for source in docs/identity/*.dot; do \
		picture=$${source%.dot}.svg; \
		dot -Tsvg $$source -o $$picture || exit 1; \
		echo "<!-- sha256 of its source: $$(sha256sum < $$source | cut -d' ' -f1) -->" >> $$picture; \
	done

screenshots: .venv/dev-installed  ## make docs/screenshots/*.png of the pages at /ui (needs Chromium)
	.venv/bin/python docs/screenshots.py

bench: .venv/dev-installed  ## measure; docs/benchmarks.md keeps the figures
	@for program in bench/*.py; do echo "== $$program"; .venv/bin/python $$program || exit 1; done

clean:  ## remove what was installed and built here, not your data
	rm -rf .venv js/node_modules tests/browser/frameworks/node_modules dist

# Debian's python3 comes without venv; where it is missing, it is installed.
.venv/bin/python:
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { $(APT) update && $(APT) install python3-venv; }
	$(PYTHON) -m venv .venv

.venv/run-installed: .venv/bin/python pyproject.toml
	@test -e .venv/dev-installed || .venv/bin/pip install -q --disable-pip-version-check -e '.[collector]'
	@touch $@

.venv/dev-installed: .venv/bin/python pyproject.toml
	.venv/bin/pip install -q --disable-pip-version-check -e '.[dev]'
	@touch $@

js/node_modules/.installed: js/package.json js/package-lock.json
	@command -v npm >/dev/null || { $(APT) update && $(APT) install nodejs npm; }
	cd js && npm ci --no-fund --no-audit
	@touch $@
