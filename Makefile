# `make run` and `make test` need only Python 3.11+ and make; they install all Python packages.
PYTHON ?= python3
VENV := .venv
TWIN_VENV := .venv-bench
TWIN := bench/peers/django_twin
BIN := $(VENV)/bin
# twice as many as cores: tests wait for timers, disks and other processes half of their time
WORKERS = $(shell $(PYTHON) -c "import os; print(2 * (os.cpu_count() or 1))")

.PHONY: install run demo test test-slow test-postgresql test-two-servers test-clients lint-openapi test-rest-auth soak chaos check format bench binary test-binary lock clean

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
	$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal

# The same tests on PostgreSQL, without those that would do the same once more: they use PostgreSQL anyway, or nothing.
# Needs PostgreSQL's programs on this machine.
test-postgresql: $(VENV)/installed-dev
	$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal --database=postgresql \
		$(addprefix --ignore=tests/,architecture bench chaos cluster dialogs sandbox)

# The API's tests against two servers on one PostgreSQL, which get the requests in turns.
test-two-servers: $(VENV)/installed-dev
	$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal --database=postgresql --servers=2 tests/api

# Tests that take too long for `make test`, a quarter of an hour; SLOW='-k "not a_hundred_kills"' for half of it.
test-slow: $(VENV)/installed-dev
	$(BIN)/python -m pytest -m slow -s $(SLOW)

# What linters say of the API document; needs Node.js with npm.
lint-openapi: $(VENV)/installed-clients
	$(BIN)/python -m pytest -m clients tests/clients/test_linters.py

# Generates clients from the API document and uses them; needs Node.js with npm.
test-clients: $(VENV)/installed-clients
	$(BIN)/python -m pytest -m clients tests/clients --ignore=tests/clients/test_linters.py

# Ten minutes of random messages, switches and faults; SOAK=--soak-minutes=60 for an hour.
soak: $(VENV)/installed-dev
	$(BIN)/python -m pytest -m soak -s $(SOAK)

# Ten minutes of three processes on one PostgreSQL, with kill -9, cut lines and more, and what must be true of them;
# needs PostgreSQL's programs. CHAOS="--minutes=60 --seed=1"; CHAOS=--processes=1 has the faults that one survives.
chaos: $(VENV)/installed-dev
	PYTHONPATH=tests $(BIN)/python -m chaos $(CHAOS)

# Builds the single executable dist/botyard-linux-x86_64; names the build tools that are missing.
binary:
	packaging/build.sh

test-binary: binary $(VENV)/installed-dev
	$(BIN)/python -m pytest -m binary

# dj-rest-auth's own tests over HTTP; fetches them. docs/rest-auth.md names those that do not pass.
test-rest-auth: $(VENV)/installed-dev
	$(BIN)/python -m pip download --quiet --disable-pip-version-check --no-deps --no-binary :all: \
		--require-hashes -r tests/rest_auth/requirements.txt -d build/rest-auth
	$(BIN)/python -m pytest -n $(WORKERS) -m rest_auth

check: $(VENV)/installed-dev
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy

format: $(VENV)/installed-dev
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

# Compares Botyard with stock python-telegram-bot and aiogram, and its API with a Django backend; see
# bench/README.md. The API needs wrk (Debian: apt-get install wrk). Options: make bench BENCH="--only api"
bench: $(VENV)/installed-bench $(TWIN_VENV)/installed
	$(BIN)/python -m bench $(BENCH)

$(VENV)/installed-bench: $(VENV)/installed requirements-bench.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-bench.txt
	@touch $@

# Packages of its own: Botyard's environment has no Django.
$(TWIN_VENV)/installed: $(TWIN)/requirements.txt
	$(PYTHON) -m venv $(TWIN_VENV)
	$(TWIN_VENV)/bin/python -m pip install --quiet --disable-pip-version-check -r $(TWIN)/requirements.txt
	@touch $@

$(VENV)/installed-dev: $(VENV)/installed requirements-dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	@touch $@

$(VENV)/installed-clients: $(VENV)/installed-dev requirements-clients.txt tests/clients/package-lock.json
	@command -v npm >/dev/null || { echo "this needs npm; on Debian: apt-get install nodejs npm"; exit 1; }
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-clients.txt
	cd tests/clients && npm ci
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
		--extra clients --constraint requirements-dev.txt \
		--output-file requirements-clients.txt setup.cfg
	build/lock/bin/pip-compile --quiet --strip-extras --no-emit-index-url --no-emit-find-links \
		--extra bench --constraint requirements.txt \
		--output-file requirements-bench.txt setup.cfg
	build/lock/bin/pip-compile --quiet --strip-extras --no-emit-index-url --no-emit-find-links \
		--extra binary --constraint requirements.txt --allow-unsafe \
		--output-file requirements-binary.txt setup.cfg
	build/lock/bin/pip-compile --quiet --strip-extras --no-emit-index-url --no-emit-find-links \
		--output-file $(TWIN)/requirements.txt $(TWIN)/requirements.in
	cd tests/clients && npm install --package-lock-only

clean:
	rm -rf $(VENV) $(TWIN_VENV) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
