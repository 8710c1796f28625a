# Every target sets up what it needs in .venv; Python 3.11 to 3.13 and make are enough.
PYTHON ?= python3
BIN = .venv/bin
export TF_CPP_MIN_LOG_LEVEL ?= 3

.PHONY: demo demo-detect test lint docs bench bench-full report models clean

.venv/.installed: setup.cfg pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e ".[test]"
	touch $@

.venv/.bench: .venv/.installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e ".[bench]"
	touch $@

demo: .venv/.installed
	$(BIN)/kerazoo train lenet5 --run runs/demo --overwrite

demo-detect: .venv/.installed
	$(BIN)/kerazoo train faster_rcnn_mini --run runs/demo-detect --overwrite
	@echo "what it finds: runs/demo-detect/examples.png"

test: .venv/.installed
	$(BIN)/python -m pytest -n 2 --no-loadscope-reorder

lint: .venv/.installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

.venv/.docs: .venv/.installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e ".[docs]"
	touch $@

docs: .venv/.docs
	$(BIN)/python docs/networks.py
	$(BIN)/python docs/errata.py
	$(BIN)/python docs/draw.py
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet --strict

# A machine's figures and their page; benchmarks/results are those of BENCHMARKS.md.
bench bench-full: export KERAZOO_RESULTS ?= runs/benchmarks
bench: .venv/.bench
	$(BIN)/python -m benchmarks; status=$$?; $(BIN)/python -m benchmarks.report && exit $$status

bench-full: .venv/.bench
	$(BIN)/python -m benchmarks --full; status=$$?; $(BIN)/python -m benchmarks.report && exit $$status

report: .venv/.installed
	for folder in $(sort $(dir $(wildcard benchmarks/results/*.json benchmarks/results/*/*.json))); do \
		$(BIN)/python -m benchmarks.report $$folder || exit; done

models: .venv/.installed
	$(BIN)/python docs/networks.py
	$(BIN)/python docs/errata.py

clean:
	rm -rf .venv build dist *.egg-info
