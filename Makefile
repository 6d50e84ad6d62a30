# Shudi: every command a developer or an operator of the demo needs. `make` alone lists them.
SHELL := /bin/sh
.DEFAULT_GOAL := help
.SUFFIXES:

PYTHON ?= python3
JOBS ?= 2
PYTEST_ARGS ?=

# Modules are run as `python -m`: the scripts in .venv/bin name their interpreter by a path that may be too long.
PY := .venv/bin/python
PIP := $(PY) -m pip --disable-pip-version-check install -qq --require-hashes
LOCK := uv pip compile pyproject.toml --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate \
	--custom-compile-command "make lock" --quiet

.PHONY: help run setup test check lock format clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: .venv/.stamp-run ## Set up and start everything on http://127.0.0.1:8000; Ctrl-C stops it, the data stays
	@$(PY) -m app.demo.processes --stop-with-parent

setup: .venv/.stamp-run ## Make .venv/ and install the locked packages

test: .venv/.stamp-dev ## Set up and run the whole test suite
	@$(PY) -m pytest -n $(JOBS) --dist loadgroup $(PYTEST_ARGS)

check: .venv/.stamp-dev ## Lint, format check, types, import contracts, migrations check
	@$(PY) -m ruff check .
	@$(PY) -m ruff format --check .
	@$(PY) -m mypy
	@$(PY) -c 'import sys; from importlinter.cli import lint_imports_command; sys.exit(lint_imports_command())'
	@if [ -f tests/architecture/test_migrations.py ]; then $(PY) -m pytest -q tests/architecture/test_migrations.py; fi

format: .venv/.stamp-dev ## Format the code and mend what lint can mend
	@$(PY) -m ruff check --fix --quiet .
	@$(PY) -m ruff format .

lock: ## Write requirements.lock and requirements-dev.lock anew from pyproject.toml (needs uv)
	@command -v uv >/dev/null || { echo "make lock needs uv (https://docs.astral.sh/uv/)"; exit 1; }
	$(LOCK) --output-file requirements.lock
	$(LOCK) --group dev --output-file requirements-dev.lock

clean: ## Remove .venv/ and caches; the data in var/ stays
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find app tests migrations bench -name __pycache__ -type d -prune -exec rm -rf {} + 2>/dev/null || true

.venv/.stamp-venv:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
		echo "需要 Python 3.11 或更高版本（当前 $(PYTHON)：$$($(PYTHON) --version 2>&1 || true)）。可用 make PYTHON=python3.12 … 指定。"; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || { \
		echo "这个 Python 缺少 venv 模块。Debian/Ubuntu 请先运行：apt-get install python3-venv"; exit 1; }
	@echo "正在建立 .venv/ …"
	@$(PYTHON) -m venv .venv
	@touch $@

.venv/.stamp-run: .venv/.stamp-venv requirements.lock
	@echo "正在安装依赖…（首次约一分钟）"
	@$(PIP) -r requirements.lock
	@touch $@

.venv/.stamp-dev: .venv/.stamp-venv requirements-dev.lock
	@echo "正在安装依赖（含测试工具）…（首次约一分钟）"
	@$(PIP) -r requirements-dev.lock
	@touch $@
