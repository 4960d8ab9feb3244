# Everything that is done with this project, each in one word. Nothing is installed outside .venv/.

# Exact versions of everything. By the environment, since pip builds in a place that `-c` does not reach; relative, since
# pip splits the value at blanks.
export PIP_CONSTRAINT = constraints.txt
export PIP_DISABLE_PIP_VERSION_CHECK = 1

PYTHON ?= python3
BIN := .venv/bin
# As many at a time as there are cores; four have a server of PostgreSQL each, and more would be too much for most machines.
PARALLEL := -n logical --maxprocesses 4 --dist worksteal
SWEDISH := reconciler/locale/sv/LC_MESSAGES/reconciler.po
TOOLS := .venv/editor.stamp .venv/promtool.stamp

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.NOTPARALLEL:
.PHONY: help run test check soak mutants bench dist words docs goldens format clean

help:  ## list what can be made
	@sed -n 's/^\([a-z]*\): .*## /make \1\t/p' $(MAKEFILE_LIST) | expand -t 14

run: .venv/run.stamp  ## set up, and run the main job on the example
	$(BIN)/reconciler db init
	$(BIN)/reconciler validate
	$(BIN)/reconciler plan
	$(BIN)/reconciler apply
	$(BIN)/reconciler status

test: .venv/dev.stamp $(TOOLS)  ## run all tests
	$(BIN)/pytest $(PARALLEL)

check: .venv/dev.stamp $(TOOLS)  ## run everything that CI runs
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/coverage erase
	$(BIN)/coverage run -m pytest $(PARALLEL)
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage report
	$(BIN)/python catalogue.py --check
	$(BIN)/python docs/generate.py --check
	tests/smoke.sh

soak: .venv/dev.stamp $(TOOLS)  ## run all tests at their full size: hours, not minutes
	RECONCILER_SOAK=1 $(BIN)/pytest

mutants: .venv/dev.stamp  ## break plan, guards and execute in every small way, and see that a test notices: an hour
	$(BIN)/python tests/mutants.py

bench: .venv/dev.stamp  ## measure ours, its peers and the floors, and write docs/performance.md
	$(BIN)/python -m bench --write

dist: .venv/dev.stamp  ## build a release: wheel, source, and the list of its parts
	rm -rf dist build
	SOURCE_DATE_EPOCH=$$(git log -1 --format=%ct) $(BIN)/python -m build --outdir dist .
	$(PYTHON) -m venv --without-pip build/wheel
	$(BIN)/pip --python build/wheel install --quiet dist/*.whl
	$(PYTHON) -m venv build/cyclonedx
	build/cyclonedx/bin/pip install --quiet cyclonedx-bom
	sed "s/^dynamic = .*/version = \"$$($(BIN)/reconciler --version | cut -d' ' -f2)\"/" pyproject.toml >build/pyproject.toml
	mkdir dist/parts
	build/cyclonedx/bin/cyclonedx-py environment --pyproject build/pyproject.toml --mc-type application --output-reproducible \
		--output-file dist/parts/reconciler.cdx.json build/wheel

words: .venv/dev.stamp  ## bring the catalogue of Swedish texts in line with the program
	$(BIN)/python catalogue.py

goldens: .venv/dev.stamp  ## keep what is said in each situation anew: read the difference
	UPDATE_GOLDENS=1 $(BIN)/pytest tests/test_goldens.py tests/test_handbook.py tests/test_rehearsal.py

docs: .venv/dev.stamp  ## write the generated pages
	$(BIN)/python docs/generate.py

format: .venv/dev.stamp  ## put the code in its one form
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean:  ## remove what was made, the example's database too
	rm -rf .venv .mutants build dist bench/.peers .coverage .coverage.* .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	rm -f reconciler.db reconciler.db-journal $(SWEDISH:.po=.mo)
	find reconciler tests docs -name __pycache__ -type d -prune -exec rm -rf {} +

.venv/made.stamp:
	$(PYTHON) -m venv .venv
	@touch $@

# To install it, in a clone too, compiles the Swedish texts.
.venv/run.stamp: pyproject.toml constraints.txt $(SWEDISH) | .venv/made.stamp
	$(BIN)/pip install --quiet --editable .
	@touch $@

.venv/dev-installed.stamp: pyproject.toml constraints.txt | .venv/made.stamp
	$(BIN)/pip install --quiet --editable '.[dev]'
	@touch $@

.venv/dev.stamp: .venv/dev-installed.stamp $(SWEDISH)
	$(BIN)/python catalogue.py --compile
	@touch $@ .venv/run.stamp

# What editors run, for the test of what they show. Without npm, or a network, that test is skipped.
.venv/editor.stamp: | .venv/made.stamp
	@npm install --silent --no-save --no-audit --no-fund --prefix .venv/editor yaml-language-server@2.0.0 \
		|| echo "npm is missing or did not answer: what an editor shows is not tested"
	@touch $@

# What tries the alerts: one program out of Debian's package. Without apt-get, or a network, they are not tried.
APT = apt-get -qq -o Dir::State::Lists="$$PWD/lists" -o Dir::Cache="$$PWD/cache" -o APT::Sandbox::User=root -o Acquire::http::Timeout=20 -o Acquire::Retries=0
.venv/promtool.stamp: | .venv/made.stamp
	@mkdir -p .venv/apt/lists/partial .venv/apt/cache/archives/partial
	@command -v promtool >/dev/null || (cd .venv/apt && $(APT) update && $(APT) download prometheus \
		&& dpkg-deb --extract prometheus_*.deb . && mv usr/bin/promtool ../bin) \
		|| echo "promtool is missing, and apt-get does not bring it: the alerts are not tried"
	@rm -rf .venv/apt
	@touch $@
