# The three targets that a fresh machine with Python >= 3.11 and make needs: run, test, install.
PYTHON ?= python3
PORT ?= 5000
BIN := .venv/bin
FLASK := $(BIN)/flask --app wsgi

.PHONY: run test install lint format lock

run: install
	@BASE_URL=$${BASE_URL:-http://127.0.0.1:$(PORT)} $(FLASK) db upgrade
	@BASE_URL=$${BASE_URL:-http://127.0.0.1:$(PORT)} $(FLASK) demo
	@BASE_URL=$${BASE_URL:-http://127.0.0.1:$(PORT)} $(FLASK) run --port $(PORT)

test: install
	$(BIN)/python -m pytest -n 2 --dist loadgroup $(ARGS)

install: .venv/installed

.venv/installed: requirements-dev.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed.")'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.txt
	@touch $@

lint: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: install
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# Remake the locked requirements after a change of setup.cfg.
LOCK := $(BIN)/uv pip compile setup.cfg --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-emit-find-links --no-header --quiet --extra postgres
lock: install
	$(LOCK) -o requirements.txt
	$(LOCK) --extra test --extra dev -o requirements-dev.txt
