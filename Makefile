# `make run` and `make test` need only Python 3.11+ and make; they install all Python packages.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: install run demo test test-slow test-postgresql soak test-rest-auth check format bench binary test-binary lock clean

install: $(VENV)/installed

$(VENV)/installed: requirements.txt setup.cfg pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Botyard needs Python 3.11 or newer; to use another Python: make PYTHON=/path/to/python3.11"; exit 1; }
	@$(PYTHON) -c 'import ensurepip' || \
		{ echo "this Python cannot create virtual environments; on Debian: apt-get install python3-venv"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --editable .
	@touch $@

run: install
	$(BIN)/botyard serve

demo: install
	$(BIN)/botyard demo

test: $(VENV)/installed-dev
	$(BIN)/python -m pytest -n auto --dist worksteal

# The same tests on PostgreSQL; needs PostgreSQL's programs on this machine.
test-postgresql: $(VENV)/installed-dev
	$(BIN)/python -m pytest -n auto --dist worksteal --database=postgresql

# Tests that take too long for `make test`.
test-slow: $(VENV)/installed-dev
	$(BIN)/python -m pytest -m slow -s

# Ten minutes of random messages, switches and faults; SOAK=--soak-minutes=60 for an hour.
soak: $(VENV)/installed-dev
	$(BIN)/python -m pytest -m soak -s $(SOAK)

# Builds the single executable dist/botyard-linux-x86_64; names the build tools that are missing.
binary:
	packaging/build.sh

test-binary: binary $(VENV)/installed-dev
	$(BIN)/python -m pytest -m binary

# dj-rest-auth's own tests over HTTP; fetches them. docs/rest-auth.md names those that do not pass.
test-rest-auth: $(VENV)/installed-dev
	$(BIN)/python -m pip download --quiet --disable-pip-version-check --no-deps --no-binary :all: \
		--require-hashes -r tests/rest_auth/requirements.txt -d build/rest-auth
	$(BIN)/python -m pytest -n auto -m rest_auth

check: $(VENV)/installed-dev
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy

format: $(VENV)/installed-dev
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

# Compares Botyard with stock python-telegram-bot and aiogram; see bench/README.md.
bench: $(VENV)/installed-bench
	$(BIN)/python -m bench $(BENCH)

$(VENV)/installed-bench: $(VENV)/installed requirements-bench.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-bench.txt
	@touch $@

$(VENV)/installed-dev: $(VENV)/installed requirements-dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	@touch $@

# Updates the locked versions; run it after a change of the packages in setup.cfg.
lock:
	$(PYTHON) -m venv build/lock
	build/lock/bin/python -m pip install --quiet pip-tools
	build/lock/bin/pip-compile --quiet --strip-extras --no-emit-index-url --no-emit-find-links \
		--output-file requirements.txt setup.cfg
	build/lock/bin/pip-compile --quiet --strip-extras --no-emit-index-url --no-emit-find-links \
		--extra test --extra lint --constraint requirements.txt \
		--output-file requirements-dev.txt setup.cfg
	build/lock/bin/pip-compile --quiet --strip-extras --no-emit-index-url --no-emit-find-links \
		--extra bench --constraint requirements.txt \
		--output-file requirements-bench.txt setup.cfg
	build/lock/bin/pip-compile --quiet --strip-extras --no-emit-index-url --no-emit-find-links \
		--extra binary --constraint requirements.txt --allow-unsafe \
		--output-file requirements-binary.txt setup.cfg

clean:
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
