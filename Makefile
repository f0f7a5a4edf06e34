# Every step of the project is written here and nowhere else; CI calls these targets verbatim.

SHELL := /bin/sh
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help
.PHONY: help setup demo test lint format equivalence nightly bench bench-gate coverage check lock clean

PACKAGES := legacy modules migrate equivalence
# The recorded fixtures are bitwise statements about this release of torch, so the lock keeps it.
TORCH := 2.13.0

VENV := .venv
PY := $(VENV)/bin/python
STAMP := $(VENV)/.setup-done
# An interpreter to build .venv from; empty means the first on PATH that is new enough. `make setup PYTHON=...` chooses.
PYTHON :=
PYTHONS := $(if $(PYTHON),'$(PYTHON)',python3 python3.11 python3.12 python3.13 python3.14)
NEW_ENOUGH := import sys; sys.exit(sys.version_info < (3, 11))

# Bits depend on the number of threads and on the instructions that kernels are chosen for; the recorded files were made
# with one thread, AVX2 and without TorchScript.
export OMP_NUM_THREADS := 1
export PYTORCH_JIT := 0
export ATEN_CPU_CAPABILITY := avx2
export MKL_ENABLE_INSTRUCTIONS := AVX2
export ONEDNN_MAX_CPU_ISA := AVX2

# A machine's pip settings may say where packages come from, never where they go to or which are left out.
unexport PIP_USER PIP_TARGET PIP_PREFIX PIP_ROOT PIP_PYTHON PIP_DRY_RUN PIP_NO_DEPS PIP_REQUIREMENT PIP_EDITABLE
unexport PIP_REQUIRE_HASHES PIP_IGNORE_INSTALLED PIP_FORCE_REINSTALL PIP_UPGRADE PIP_PRE

# Packages that are built from source are built with the pinned setuptools: no second, unpinned one is fetched for it.
PIP_INSTALL := -m pip install --quiet --quiet --no-input --disable-pip-version-check --no-build-isolation

# Makes a virtual environment in the folder $(1), without ensurepip where the system has split it off.
define make_venv
	found=; for python in $(PYTHONS); do \
	    if "$$python" -c '$(NEW_ENOUGH)' >/dev/null 2>&1; then found=$$python; break; fi; \
	done; \
	if [ -z "$$found" ]; then \
	    echo "error: Python 3.11 or newer is needed, and none of these is it:" $(PYTHONS) >&2; \
	    echo "  -> install one, or name it: make setup PYTHON=/path/to/python3.11" >&2; exit 1; \
	fi; \
	if "$$found" -c 'import ensurepip' >/dev/null 2>&1; then "$$found" -m venv --clear $(1); \
	else "$$found" -m venv --clear --without-pip $(1) \
	    && "$$found" -m pip --python $(1)/bin/python install --quiet --disable-pip-version-check pip; fi
endef

help: ## print this list
	@sed -n 's/^\([a-z-]*\):[^#]*## \(.*\)/\1|\2/p' Makefile | while IFS='|' read -r name text; do \
	    printf '  make %-12s %s\n' "$$name" "$$text"; done

setup: $(STAMP) ## make .venv with everything pinned (does nothing when nothing changed)

$(STAMP): pyproject.toml constraints.txt Makefile
	@if ! $(PY) -c '$(NEW_ENOUGH)' >/dev/null 2>&1; then \
	    echo "making $(VENV)"; $(call make_venv,$(VENV)); fi
	@echo "installing the pinned packages"
	@$(PY) $(PIP_INSTALL) -c constraints.txt setuptools
	@$(PY) $(PIP_INSTALL) -c constraints.txt -e '.[dev]'
	@touch $@

demo: $(STAMP) ## migrate an old policy and prove it, from start to end
	@$(PY) -m examples.demo

test: $(STAMP) ## run all tests, on two cores
	$(PY) -m pytest -n 2 --dist loadfile --no-loadscope-reorder

lint: $(STAMP) ## check style, format, types and the import contracts
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m mypy --strict $(PACKAGES) benchmarks examples tests
	$(VENV)/bin/lint-imports --no-logo

format: $(STAMP) ## format the code, and fix what ruff can fix safely
	$(PY) -m ruff check --fix-only .
	$(PY) -m ruff format .

# The real configs of the old stack lie beside the repository, where they are at all. Some are refused, for reasons that
# docs/coverage.md lists; a suite then ends with 5.
CONFIGS := $(wildcard ../shared/configs)

equivalence: $(STAMP) ## the proofs that CI runs: examples, real configs, random agents, and the harness on trial
	@$(PY) -m equivalence suite examples --profile ci
	$(if $(CONFIGS),@$(PY) -m equivalence suite $(CONFIGS) --architectures 0 --profile ci || [ $$? = 5 ])
	@$(PY) -m equivalence selftest & trial=$$!; \
	$(PY) -m equivalence alarms --comparisons 1500; found=$$?; wait $$trial && exit $$found

nightly: $(STAMP) ## the same at length: 2000 inputs per config, 1000 random agents, 100000 comparisons
	@$(PY) -m equivalence suite examples --profile nightly --report equivalence-report
	$(if $(CONFIGS),@$(PY) -m equivalence suite $(CONFIGS) --architectures 0 --profile nightly --report equivalence-report/configs || [ $$? = 5 ])
	@$(PY) -m equivalence selftest
	@$(PY) -m equivalence alarms
	@$(PY) -m equivalence throughput

bench: $(STAMP) ## measure, and renew docs/performance.md
	@$(PY) -m benchmarks --docs

bench-gate: $(STAMP) ## measure, and fail where a promise is not kept, after one retry
	@$(PY) -m benchmarks --gate

coverage: $(STAMP) ## renew docs/coverage.md (needs the real files of the old stack in ../shared)
	@$(PY) -m equivalence.coverage

check: test lint ## tests, style and types

lock: ## renew constraints.txt from the ranges in pyproject.toml (needs a package index)
	@set -e; scratch=$$(mktemp -d); trap 'rm -rf "$$scratch"' EXIT; \
	$(call make_venv,"$$scratch"/venv); python="$$scratch"/venv/bin/python; \
	"$$python" $(PIP_INSTALL) --upgrade setuptools; \
	"$$python" $(PIP_INSTALL) torch==$(TORCH) -e '.[dev]'; \
	"$$python" -m pip freeze --all --exclude-editable --exclude pip --disable-pip-version-check >"$$scratch"/frozen; \
	{ echo '# Every package that the project needs, directly or not, in the version that it was checked with.'; \
	  echo '# Written by `make lock`; not edited by hand. What torch pins itself for a GPU build is left out.'; \
	  sed -e 's/+[^ ]*$$//' -e '/^nvidia-/d' -e '/^cuda-/d' -e '/^triton==/d' "$$scratch"/frozen; } >"$$scratch"/constraints; \
	if grep -n -e ' @ ' -e '://' "$$scratch"/constraints; then \
	    echo 'error: these lines are no plain pins, constraints.txt is left as it was' >&2; exit 1; fi; \
	cp "$$scratch"/constraints constraints.txt
	@echo "constraints.txt: $$(grep -c == constraints.txt) packages"

clean: ## remove all that make has made, .venv too
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .ruff_cache .mypy_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
