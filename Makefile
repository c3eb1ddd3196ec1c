# SPDX-License-Identifier: Apache-2.0
# Every target works from a fresh clone and does only what is not done yet.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PYTEST_ARGS ?=
AXION := axion/node_modules/.package-lock.json
sources := pyproject.toml CMakeLists.txt $(shell find src native -type f -not -name '*.pyc') \
	$(shell find axion -type f -not -path '*/node_modules/*' -not -path '*/dist/*')

.PHONY: demo test lint format types compatibility bench proof fuzz race install clean

demo: $(VENV)/.installed
	@$(BIN)/python examples/demo.py

test: $(VENV)/.installed $(VENV)/.test $(AXION)
	@$(BIN)/python -m pytest -n auto --dist loadfile $(PYTEST_ARGS)

lint: $(VENV)/.lint $(AXION)
	@scripts/lint

format: $(VENV)/.lint $(AXION)
	@scripts/lint --format

types: $(VENV)/.installed $(AXION)
	@scripts/engine_stub
	@scripts/axion_types

compatibility: $(VENV)/.installed $(VENV)/.test
	@REVEN_WRITE_COMPATIBILITY=1 $(BIN)/python -m pytest tests/bridges

bench: $(VENV)/.installed $(VENV)/.bench
	@$(BIN)/python -m benchmarks

# So many seconds for each of the fuzzers, an hour for all.
FUZZ_SECONDS ?= 360
fuzz: $(VENV)/.installed $(VENV)/.test $(VENV)/.fuzz
	@$(BIN)/python -m tests.fuzz.run $(FUZZ_SECONDS)

race: $(VENV)/.installed $(VENV)/.fuzz
	@tests/race/run $(VENV)

proof: $(VENV)/.installed $(VENV)/.test
	@scripts/system-packages $(PYTHON) proof
	@PROOF_PROGRAMS=300 $(BIN)/python -m pytest -o timeout=0 tests/proof/test_random_steps.py
	@$(BIN)/python -m proof

install: $(VENV)/.installed

clean:
	rm -rf $(VENV) build

# Stamps: each says that its step is done for what it depends on.
$(VENV)/.created: pyproject.toml scripts/system-packages scripts/environment
	@scripts/system-packages $(PYTHON)
	@scripts/environment create $(VENV) $(PYTHON)
	@touch $@

$(VENV)/.installed: $(VENV)/.created $(sources)
	@scripts/environment install $(VENV)
	@touch $@

$(VENV)/.test: $(VENV)/.created
	@scripts/system-packages $(PYTHON) test
	@scripts/environment extra $(VENV) test
	@touch $@

$(VENV)/.bench: $(VENV)/.created
	@scripts/system-packages $(PYTHON) bench
	@scripts/environment extra $(VENV) bench
	@touch $@

$(VENV)/.fuzz: $(VENV)/.created
	@scripts/system-packages $(PYTHON) fuzz
	@scripts/environment extra $(VENV) fuzz
	@touch $@

$(VENV)/.lint: $(VENV)/.created
	@scripts/environment extra $(VENV) lint test
	@touch $@

$(AXION): axion/package.json axion/package-lock.json | $(VENV)/.created
	@scripts/environment axion $(VENV)
	@touch $@
