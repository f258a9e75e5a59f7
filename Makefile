# make run    opens the window (or answers in the terminal where there is no display)
# make test   the whole test suite, without a display
# make lint   style, types, import contracts
# make bench  the benchmarks, one after the other
# make lock   choose the versions in requirements.lock anew

PYTHON := .venv/bin/python

.PHONY: run test lint bench lock
run test lint bench: .venv/.complete

.venv/.complete: requirements.lock packaging/environment.sh
	@packaging/environment.sh

run:
	@packaging/run.sh

test:
	QT_QPA_PLATFORM=offscreen $(PYTHON) -m pytest

lint:
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy
	.venv/bin/lint-imports --no-logo

bench:
	@for file in $$(grep -l __main__ benchmarks/*.py); do \
		printf '\n== %s\n' "$$file"; \
		PYTHONPATH=. QT_QPA_PLATFORM=offscreen $(PYTHON) "$$file" || exit 1; \
	done

lock:
	$(PYTHON) -m pip install --quiet uv
	.venv/bin/uv pip compile --quiet --universal --python-version 3.11 --extra dev --generate-hashes \
		--no-emit-index-url --no-header pyproject.toml --output-file requirements.lock
