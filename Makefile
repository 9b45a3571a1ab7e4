# Two commands do all the set-up: `make demo` and `make test`. Every target makes what it needs.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
PIP    := $(BIN)/python -m pip --disable-pip-version-check
CODE   := monitor migrations tests bench
BENCH  := collect telegram latency reflag reading review alerts digest export_archive

.DEFAULT_GOAL := help
.PHONY: help demo run test check fix bench bench-archive fuzz soak screenshots dictionary lock clean

help:           ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "make %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: $(VENV)/.run      ## the main job on invented channels, with the database that comes with the package
	@exec $(BIN)/monitor demo $(ARGS)

run: $(VENV)/.run       ## the main job on the real channels of config/channels.toml, no account needed
	@exec $(BIN)/monitor up $(ARGS)

test: $(VENV)/.dev      ## the whole test suite, in parallel, with the coverage of the core
	@rm -f .coverage .coverage.*
	$(BIN)/python -m pytest -n $${JOBS:-auto} --dist worksteal --cov --cov-report= $(ARGS)
	@$(BIN)/python -m coverage report --fail-under=90 --include='monitor/extraction/*,monitor/changes.py,monitor/store/*,monitor/sources/*,monitor/collect.py,monitor/flag.py,monitor/index.py,monitor/review.py,monitor/decide.py,monitor/triage.py,monitor/readers.py,monitor/maintain.py,monitor/looks.py,monitor/recheck.py,monitor/fetch.py,monitor/media.py,monitor/mail.py,monitor/letters.py,monitor/deliver.py,monitor/alarms.py,monitor/notice_texts.py,monitor/alert.py,monitor/oversee.py,monitor/hand_over.py,monitor/notify.py,monitor/export.py,monitor/take_in.py,monitor/formats/*,monitor/frames.py,monitor/digest/*'

check: $(VENV)/.dev     ## format, lint, strict types, import contracts; writes nothing
	$(BIN)/ruff format --check $(CODE)
	$(BIN)/ruff check $(CODE)
	$(BIN)/mypy
	PYTHONPATH=. $(BIN)/lint-imports --no-cache --no-logo

fix: $(VENV)/.dev       ## what check complains of and a tool can mend
	$(BIN)/ruff check --fix $(CODE)
	$(BIN)/ruff format $(CODE)

bench: $(VENV)/.dev     ## the measurements of docs/benchmarks.md; one alone with BENCH=telegram
	@for name in $(BENCH); do $(BIN)/python -m bench.$$name $(ARGS) || exit 1; done

bench-archive: $(VENV)/.dev ## researchers' questions on five million posts, half an hour; ARGS="--posts 200000" is quick
	@$(BIN)/python -m bench.archive $(ARGS)

fuzz: $(VENV)/.dev      ## ten minutes of texts that try to break reading; ARGS="--minutes 1" is quick
	@$(BIN)/python -m bench.fuzz $(ARGS)

soak: $(VENV)/.dev      ## a year of digests with a server that misbehaves; ARGS="--readers 25 --days 30" is quick
	@$(BIN)/python -m bench.soak $(ARGS)

screenshots: $(VENV)/.dev ## the pictures of the README, taken anew with Chromium
	@$(BIN)/python -m bench.screenshots $(ARGS)

dictionary: $(VENV)/.dev ## what docs/ says of the data: dictionary, drawing of the schema, definitions
	@$(BIN)/python -m bench.dictionary $(ARGS)

lock: $(VENV)/.dev      ## renew the two lock files from pyproject.toml
	$(BIN)/uv pip compile --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --quiet --no-emit-index-url \
	  --extra embedded --extra build --extra parquet pyproject.toml -o requirements.lock
	$(BIN)/uv pip compile --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --quiet --no-emit-index-url \
	  --all-extras -c requirements.lock pyproject.toml -o requirements-dev.lock

clean:          ## remove the environment and what the tools left
	rm -rf $(VENV) .coverage* .mypy_cache .ruff_cache .pytest_cache .hypothesis

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "monitor needs Python 3.11 or newer; $(PYTHON) is older. Name another one: make PYTHON=python3.12"; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.run: requirements.lock pyproject.toml | $(VENV)/bin/python
	@echo "installing what requirements.lock pins (once)"
	@$(PIP) install --quiet --use-pep517 --require-hashes --no-deps -r requirements.lock
	@$(PIP) install --quiet --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.dev: requirements-dev.lock $(VENV)/.run
	@echo "installing what requirements-dev.lock pins (once)"
	@$(PIP) install --quiet --use-pep517 --require-hashes --no-deps -r requirements-dev.lock
	@touch $@
