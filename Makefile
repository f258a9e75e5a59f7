# make run    opens the window (or answers in the terminal where there is no display)
# make desktop   puts it among your programs (make desktop-remove takes it away)
# make test   the whole test suite, without a display
# make lint   style, types, import contracts, catalogues of the window's languages
# make bench  the benchmarks, one after the other
# make lock   choose the versions in requirements.lock anew
# make catalogues   bring new texts into assets/i18n/*.ts, to be translated there

PYTHON := .venv/bin/python

CATALOGUES := $(patsubst %.ts,%.qm,$(wildcard assets/i18n/*.ts))

.PHONY: run desktop desktop-remove test lint bench lock catalogues
run desktop test lint bench catalogues: .venv/.complete
run desktop test bench: $(CATALOGUES)

.venv/.complete: requirements.lock packaging/environment.sh
	@packaging/environment.sh

assets/i18n/%.qm: assets/i18n/%.ts .venv/.complete
	@.venv/bin/pyside6-lrelease -silent $< -qm $@

run:
	@packaging/run.sh

desktop:
	@packaging/desktop.sh

desktop-remove:
	@packaging/desktop.sh remove

test:
	QT_QPA_PLATFORM=offscreen $(PYTHON) -m pytest

lint:
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy
	.venv/bin/lint-imports --no-logo
	PYTHONPATH=. $(PYTHON) packaging/catalogues.py check

catalogues:
	PYTHONPATH=. $(PYTHON) packaging/catalogues.py update

bench:
	@for file in $$(grep -l __main__ benchmarks/*.py); do \
		printf '\n== %s\n' "$$file"; \
		PYTHONPATH=. QT_QPA_PLATFORM=offscreen $(PYTHON) "$$file" || exit 1; \
	done

lock:
	$(PYTHON) -m pip install --quiet uv
	.venv/bin/uv pip compile --quiet --universal --python-version 3.11 --extra dev --generate-hashes \
		--no-emit-index-url --no-header pyproject.toml --output-file requirements.lock
