# Two commands on a fresh machine: `make search` and `make test`.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
# Real images for the tests, from Debian's package.
FASHION_MNIST := /usr/share/datasets/fashion-mnist
SUDO := $(if $(filter 0,$(shell id -u)),,sudo)

.PHONY: search test check benchmark clean

search: $(INSTALLED)  ## the main job on the embedded digits: supernet, search, retraining, report
	$(BIN)/autosnn search --dataset digits --output runs/digits

test: $(INSTALLED) $(FASHION_MNIST)  ## every test
	$(BIN)/python -m pytest

check: $(INSTALLED)  ## formatting, lint and types
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	rm -rf build/types && $(BIN)/pip install --quiet --no-deps --target build/types .
	MYPYPATH=build/types $(BIN)/mypy -p autosnn_nni

benchmark: $(INSTALLED)  ## fast code against the plain reference, interleaved
	$(BIN)/python -m tests.benchmarks.compare --keep-memory

$(INSTALLED): pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --upgrade pip
	$(BIN)/pip install --quiet --editable '.[dev]'
	touch $@

$(FASHION_MNIST):
	$(SUDO) apt-get update -qq
	$(SUDO) apt-get install -y -qq dataset-fashion-mnist

clean:
	rm -rf $(VENV) build *.egg-info
