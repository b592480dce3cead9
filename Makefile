# Two commands: `make run` records and shows the main example, `make test` passes every check. Both do all their set-up.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
OLDEST := .venv-oldest
OLDEST_PYTHON ?= $(firstword $(wildcard $(HOME)/.pyenv/versions/3.10*/bin/python) python3.10)

.PHONY: run test check format lint types test-oldest bench clean

run: $(VENV)/.installed
	$(BIN)/trace-scenario run demo_module
	$(BIN)/trace-scenario show demo_module
	$(BIN)/trace-scenario lines demo_module

test: $(VENV)/.installed-dev programs check
	$(BIN)/python -m pytest -n 2 --dist loadscope --no-loadscope-reorder

check: format lint types

format: $(VENV)/.installed-dev
	$(BIN)/ruff format --check .

lint: $(VENV)/.installed-dev
	$(BIN)/ruff check .

types: $(VENV)/.installed-dev
	$(BIN)/mypy

# The lower end of what setup.cfg allows: the oldest Python, TensorFlow and everything else.
test-oldest: $(OLDEST)/.installed
	$(OLDEST)/bin/python -m pytest -n 2 --dist loadscope tests/unit tests/contract tests/hostile tests/integration

bench: $(VENV)/.installed-dev
	$(BIN)/python -m benchmarks

clean:
	rm -rf $(VENV) $(OLDEST) build *.egg-info .mypy_cache .ruff_cache .pytest_cache

$(VENV)/.installed: setup.cfg pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	touch $@

$(VENV)/.installed-dev: $(VENV)/.installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable ".[dev]"
	touch $@

$(OLDEST)/.installed: setup.cfg requirements/oldest.txt
	test -x $(OLDEST)/bin/python || $(OLDEST_PYTHON) -m venv $(OLDEST)
	$(OLDEST)/bin/python -m pip install --quiet --disable-pip-version-check --constraint requirements/oldest.txt --editable ".[dev]"
	touch $@

# The browser tests drive Debian's Chromium, and Graphviz reads what export writes for it. Where apt cannot get them those
# tests are skipped, but not in CI: there they fail.
.PHONY: programs
programs:
	@{ command -v chromium && command -v dot; } >/dev/null || { \
		test "$$(id -u)" = 0 && command -v apt-get >/dev/null && \
		{ apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq chromium graphviz >/dev/null; } || \
		echo "Chromium or Graphviz is missing and could not be installed: their tests will say so"; }
