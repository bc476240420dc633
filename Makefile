# Two commands on a fresh machine: `make search` and `make test`.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
# Real recordings of event cameras, for the tests.
RECORDINGS := $(VENV)/recordings
# What the tests use of Debian: real images, a browser, a server of ssh.
FASHION_MNIST := /usr/share/datasets/fashion-mnist
BROWSER := /usr/bin/chromedriver
SSHD := /usr/sbin/sshd
NEEDED := $(INSTALLED) $(RECORDINGS) $(FASHION_MNIST) $(BROWSER) $(SSHD)
# For two cores: a third process, as one often waits for NNI; a thread each, or they would wait for
# each other.
PYTEST := OMP_NUM_THREADS=1 $(BIN)/python -m pytest --numprocesses 3
# The package as one folder, for mypy and for the site's Python reference; the site.
PACKAGE := build/package/.made
SOURCES := $(shell find autosnn_nni search_spaces strategies examples/paper -type f -not -name '*.pyc')
SITE := build/site/index.html
PAGES := $(shell find docs examples *.md -type f -not -name '*.pyc')
SUDO := $(if $(filter 0,$(shell id -u)),,sudo)

.PHONY: search quick test long check docs notebooks smoke benchmark clean

search: $(INSTALLED)  ## the main job on the embedded digits: supernet, search, retraining, report
	$(BIN)/autosnn search --dataset digits --output runs/digits
	@echo
	@echo "Look at it:            open runs/digits/report.html in a browser"
	@echo "autosnn on the PATH:   . $(BIN)/activate"
	@echo "Then:                  autosnn evaluate runs/digits"
	@echo "Where to read on:      docs/tutorials/index.md (make docs builds the site)"

quick: $(INSTALLED)  ## the tests that need nothing but Python, on two cores
	$(PYTEST) -m "not (browser or manager or ssh or data or slow or long)"

test: $(NEEDED)  ## the tests, on two cores
	$(PYTEST) -m "not long"

long: $(NEEDED)  ## the tests that take minutes: tutorials, notebooks, the site, benchmarks, sanitisers
	$(PYTEST) -m long

check: $(PACKAGE)  ## formatting, lint and types
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	MYPYPATH=build/package $(BIN)/mypy -p autosnn_nni -p docs.site

docs: $(SITE)  ## the documentation site, in build/site; a warning or a broken link ends it

$(SITE): $(PACKAGE) $(PAGES)
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict --quiet -f docs/site/mkdocs.yml

$(PACKAGE): $(INSTALLED) $(SOURCES)
	rm -rf build/package && $(BIN)/pip install --quiet --no-deps --target build/package .
	touch $@

notebooks: $(INSTALLED)  ## run the notebooks of examples/, and write their outputs into them
	$(BIN)/python -m tests.notebooks

smoke: $(INSTALLED)  ## every table and figure of the paper, in seconds each
	OMP_NUM_THREADS=1 $(BIN)/autosnn reproduce all --scale smoke --output build/reproduce

benchmark: $(INSTALLED)  ## fast code against the plain reference, interleaved
	$(BIN)/python -m tests.benchmarks.compare --keep-memory

$(INSTALLED): pyproject.toml $(wildcard autosnn_nni/kernels/c/*.*)
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --upgrade pip
	$(BIN)/pip install --quiet --editable '.[dev]'
	$(BIN)/autosnn register
	touch $@

$(RECORDINGS): | $(INSTALLED)
	$(BIN)/python tests/recordings.py $@

$(FASHION_MNIST): PACKAGES := dataset-fashion-mnist
$(BROWSER): PACKAGES := chromium chromium-driver
$(SSHD): PACKAGES := openssh-server
$(FASHION_MNIST) $(BROWSER) $(SSHD):
	$(SUDO) apt-get update -qq
	$(SUDO) apt-get install -y -qq --no-install-recommends $(PACKAGES)

clean:
	rm -rf $(VENV) build *.egg-info
