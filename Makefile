# A fresh clone, Python and make: `make demo` runs the main job, `make test` passes the tests.
PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed
# What exports are opened with: Node's modules, and a TensorFlow apart from our own packages.
MODULES    := $(VENV)/node
TENSORFLOW := $(VENV)/tensorflow
CONSUMERS  := $(VENV)/.consumers

.PHONY: help setup demo check test browser consumers lock clean

help:
	@echo "make demo   set up and run the main job on drawn photos"
	@echo "make test   set up, check and pass the tests"
	@echo "make consumers  install what people open exports with, and let 'make test' use it"
	@echo "make browser    install axe-core for the tests in a browser (Chromium comes from the system)"
	@echo "make check  format, lint, types and layers only"
	@echo "make lock   renew constraints.txt from what is installed"

setup: $(STAMP)

$(STAMP): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	@touch $@

demo: setup
	$(BIN)/mien demo --out demo

check: setup
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/python -m pytest -q tests/test_layers.py

# With `make consumers` done, exports are opened with their real consumers too.
test: export MIEN_CONSUMERS ?= $(if $(wildcard $(CONSUMERS)),1,)
test: export MIEN_NODE_MODULES ?= $(abspath $(MODULES)/node_modules)
test: export MIEN_TENSORFLOW_PYTHON ?= $(abspath $(TENSORFLOW)/bin/python)
# Files of tests two at a time, a thread each: libraries of two threads on two busy cores wait for each
# other. Then what happens in a browser, which has clocks and wants the machine to itself.
test: check
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest --ignore tests/browser --numprocesses 2 --dist loadfile \
	  --no-loadscope-reorder $(PYTEST)
	$(BIN)/python -m pytest tests/browser $(PYTEST)

# Node's packages are named with their versions, as constraints.txt does for Python's.
browser:
	npm install --no-save --no-audit --no-fund --loglevel=error --prefix tests/browser axe-core@4.10.3 \
	  typescript@5.9.3

consumers: $(CONSUMERS)

$(CONSUMERS): $(STAMP) constraints-tensorflow.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[consumers]'
	npm install --no-save --no-audit --no-fund --loglevel=error --legacy-peer-deps --prefix $(MODULES) @tensorflow/tfjs@1.3.1 @teachablemachine/image@0.8.5
	$(PYTHON) -m venv $(TENSORFLOW)
	$(TENSORFLOW)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --requirement constraints-tensorflow.txt
	@touch $@

lock: setup
	$(BIN)/python -m pip freeze --exclude-editable | sort -f > constraints.txt

clean:
	rm -rf $(VENV) build dist demo .mypy_cache .pytest_cache .ruff_cache .hypothesis
