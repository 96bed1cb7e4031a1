# Every target sets up what it needs by itself (see tools/run.py): uv, the locked packages, a pulumi command.
PYTHON ?= python3
RUN := $(PYTHON) tools/run.py
LIGHT := $(RUN) --no-pulumi
BENCH := $(RUN) --bench
COMPARED := $(RUN) --bench --opentofu
DOCS := $(RUN) --no-pulumi --docs
HOSTED := $(RUN) --no-pulumi --workflows

.DEFAULT_GOAL := help
.PHONY: help demo test test-keycloak lowest soak crash mutants bench bench-full lint types workflows docs screenshot wheel clean

help: ## Show this help
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: ## Watch pulumi manage accounts of three vendors in a sandbox (half a minute)
	@$(RUN) --few python tools/demo.py

test: ## Run all tests, with the real pulumi engine
	@$(RUN) pytest -n 4 --dist loadfile --no-loadscope-reorder --cov --cov-report=term-missing:skip-covered

lowest: ## Run all tests with the lowest versions of what seatwise needs
	@$(RUN) --lowest pytest -n 4 --dist loadfile --no-loadscope-reorder

test-keycloak: ## Run the tests against a real Keycloak (needs Java 17 and Maven)
	@$(RUN) --keycloak pytest -v tests/keycloak

soak: ## Live thirteen thousand random histories in virtual time (half an hour)
	@SEATWISE_SOAK=1 $(LIGHT) pytest -v -n 2 tests/core/test_histories.py

crash: ## Kill the real pulumi at every request of a program (half an hour)
	@SEATWISE_CRASH=full $(RUN) pytest -n 8 --dist worksteal tests/engine/test_crash.py tests/engine/test_scale.py

mutants: ## Break seatwise on purpose and see the tests notice (some minutes)
	@$(LIGHT) python tools/mutants.py

bench: ## Measure against floors of the same run, into benchmarks/results.md (forty minutes)
	@$(BENCH) pytest -q tests/test_benchmarks.py
	@$(BENCH) python -m benchmarks.bench

bench-full: ## The same on the whole grid, and beside OpenTofu, which it builds with Go once (two hours)
	@$(BENCH) pytest -q tests/test_benchmarks.py
	@$(COMPARED) python -m benchmarks.bench --full

lint: ## Check style
	@$(LIGHT) ruff check .
	@$(LIGHT) ruff format --check .

types: ## Check types
	@$(LIGHT) mypy

workflows: ## Check the files of the hosted CI, and audit them (needs Go)
	@go -C tools/actionlint tool actionlint -shellcheck= -pyflakes= $(addprefix $(CURDIR)/,$(wildcard .github/workflows/*.yml))
	@$(HOSTED) check-jsonschema --quiet --builtin-schema vendor.github-workflows .github/workflows/*.yml
	@$(HOSTED) check-jsonschema --quiet --builtin-schema vendor.gitlab-ci .gitlab-ci.yml
	@$(HOSTED) check-jsonschema --quiet --builtin-schema vendor.dependabot .github/dependabot.yml
	@$(HOSTED) check-jsonschema --quiet --builtin-schema vendor.github-issue-config .github/ISSUE_TEMPLATE/config.yml
	@$(HOSTED) check-jsonschema --quiet --builtin-schema vendor.github-issue-forms $(filter-out %/config.yml,$(wildcard .github/ISSUE_TEMPLATE/*.yml))
	@$(HOSTED) zizmor --offline --pedantic --strict-collection --collect all --quiet --no-progress .github .pre-commit-config.yaml

docs: ## Write the tables of docs/ from the code, and build the site into site/
	@$(DOCS) python tools/fields.py
	@$(DOCS) sphinx-build --fail-on-warning --keep-going --fresh-env --quiet docs site
	@echo "site/index.html"

screenshot: ## Take docs/sandbox.png, the picture of the sandbox's page
	@SEATWISE_SCREENSHOT=1 $(LIGHT) pytest -q tests/sandbox/test_browser.py -k picture

wheel: ## Build the installable package into dist/, with the commit in its version
	@$(LIGHT) python tools/build_wheel.py

clean: ## Remove what the targets made in this folder (not the tools in the cache)
	rm -rf .venv .venv-lowest .coverage* .mypy_cache .pytest_cache .ruff_cache .hypothesis dist site stacks/out
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
