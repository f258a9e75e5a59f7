"""The catalogues of the window's languages, assets/i18n/*.ts: brought up to date with the code, and checked against it.

    PYTHONPATH=. python packaging/catalogues.py update    new texts come in (unfinished), texts that are gone go
    PYTHONPATH=. python packaging/catalogues.py check     exit status 1 unless every text has a translation that fits it

Three kinds of text are found: what Qt's `tr` gets, which lupdate knows; the templates of every `Wording` and the plain
sentences of errors, found here; and what the list of settings says.
"""

import ast
import re
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ET
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import PySide6

from app import errors
from app.settings.schema import BY_KEY, SETTINGS
from app.wording import places

ROOT = Path(__file__).parent.parent

I18N = ROOT / "assets" / "i18n"
SOURCE = "en"
LANGUAGES = [code for code, _ in BY_KEY["window.language"].choices if code != "system"]
CONTEXT = "Wording"

ERRORS = {name for name, one in vars(errors).items() if isinstance(one, type)} | {"Absent"}
"""Classes whose first two arguments are sentences for a person."""
TERMINAL_ONLY = (
    "app/cli",
    "app/engine/families/echo",
    "app/library/config_json.py",
    "app/library/convert.py",
    "app/library/gguf_writer.py",
    "app/library/names.py",
    "app/library/preprocessor_json.py",
    "app/library/quantise.py",
    "app/library/safetensors.py",
    "app/library/stored.py",
    "app/library/tokenizer_json.py",
    "app/library/unfinished.py",
)
"""What only the command line runs; that speaks English."""

_SENTENCES = 2
"""The arguments of an error that are for a person come first: what happened, what to do."""


@dataclass(frozen=True)
class Entry:
    """A text of a catalogue. forms: its translations, more than one where it has a plural."""

    context: str
    source: str
    comment: str
    plural: bool
    forms: tuple[str, ...]
    finished: bool


# --- what the code says ----------------------------------------------------------------------------------------------


def sentences(tree: ast.AST) -> Iterator[tuple[int, str | None]]:
    """Line and text of every template in a module; None for one that cannot be translated, since it is put together."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        if name == "Wording":
            wanted = node.args[:1]
        elif name in ERRORS:
            wanted = node.args[:_SENTENCES]
        else:
            continue
        either = [side for one in wanted if isinstance(one, ast.IfExp) for side in (one.body, one.orelse)]
        for one in (*(one for one in wanted if not isinstance(one, ast.IfExp)), *either):
            if isinstance(one, ast.Constant) and isinstance(one.value, str):
                yield one.lineno, one.value
            elif isinstance(one, ast.JoinedStr | ast.BinOp):
                yield one.lineno, None


def texts() -> tuple[list[str], list[str]]:
    """Every template for the context `Wording`, and complaints about what is none."""
    found, complaints = [], []
    for path in sorted((ROOT / "app").rglob("*.py")):
        name = path.relative_to(ROOT).as_posix()
        if name.startswith(TERMINAL_ONLY) or name == "app/wording.py":
            continue
        for line, text in sentences(ast.parse(path.read_text("utf-8"))):
            if text is None and name != "app/ui/i18n.py":
                complaints.append(f'{name}:{line}: not one piece of text; write Wording("... {{name}} ...", name=...)')
            elif text is not None:
                found.append(text)
    for setting in SETTINGS:
        labels = [label for code, label in setting.choices if setting.key != "window.language" or code == "system"]
        found += [setting.section, setting.title, setting.help, *labels, setting.unit]
    return [text for text in dict.fromkeys(found) if not re.fullmatch(r"\{[^{}]*\}|[\W\d_]*", text)], complaints


def bring_up_to_date(folder: Path) -> list[str]:
    """Let lupdate write the catalogues in `folder`; returns complaints."""
    found, complaints = texts()
    with tempfile.TemporaryDirectory() as scratch:
        list_of_texts = Path(scratch) / "wording.py"
        calls = (f"        self.tr({text!r}{', None, n' if '{n}' in text else ''})\n" for text in found)
        list_of_texts.write_text(f"class {CONTEXT}(QObject):\n    def texts(self, n):\n{''.join(calls)}", "utf-8")
        sources = sorted([*(ROOT / "app" / "ui").rglob("*.py"), *(ROOT / "app" / "capture" / "qt").rglob("*.py")])
        for code in LANGUAGES:
            command: list[str | Path] = [Path(PySide6.__path__[0]) / "lupdate", *sources, list_of_texts, "-silent"]
            command += ["-locations", "none", "-no-obsolete", "-disable-heuristic", "similartext"]
            command += ["-source-language", SOURCE, "-target-language", code]
            command += ["-pluralonly"] if code == SOURCE else []
            subprocess.run([*command, "-ts", folder / f"spyglass_{code}.ts"], check=True)
    return complaints


# --- what the catalogues say -----------------------------------------------------------------------------------------


def entries(file: Path) -> list[Entry]:
    """Everything in a catalogue."""
    found = []
    for context in ET.parse(file).getroot().iter("context"):
        for message in context.iter("message"):
            translation = message.find("translation")
            assert translation is not None
            plural = message.get("numerus") == "yes"
            forms = [one.text or "" for one in translation.iter("numerusform")] if plural else [translation.text or ""]
            found.append(
                Entry(
                    context.findtext("name", ""),
                    message.findtext("source", ""),
                    message.findtext("comment", ""),
                    plural,
                    tuple(forms),
                    translation.get("type") is None,
                )
            )
    return found


def faults(entry: Entry) -> Iterator[str]:
    """What is wrong with a translation."""
    if not entry.finished or not all(entry.forms):
        yield "is not translated"
        return
    for form in entry.forms:
        # The form for one or two things may leave the number out, as in Arabic; no other value may be lost.
        lost = Counter(places(entry.source)) - Counter(places(form))
        more = Counter(places(form)) - Counter(places(entry.source))
        if more or [place for place in lost if not (entry.plural and place == "{n}")]:
            yield "has other places than its source"
        if entry.source.endswith("…") != form.endswith(("…", "……")):
            yield "ends otherwise than its source"
        if entry.source.count("\n") != form.count("\n"):
            yield "has other lines than its source"


def check() -> list[str]:
    """What is missing, stale or wrong."""
    with tempfile.TemporaryDirectory() as scratch:
        folder, complaints = Path(scratch), []
        for code in LANGUAGES:
            name = f"spyglass_{code}.ts"
            there = I18N / name
            if there.is_file():
                (folder / name).write_bytes(there.read_bytes())
        complaints += bring_up_to_date(folder)
        for code in LANGUAGES:
            name = f"spyglass_{code}.ts"
            if not (I18N / name).is_file():
                complaints.append(f"{name}: is missing")
                continue
            fresh = entries(folder / name)
            wanted = {(e.context, e.source, e.comment) for e in fresh}
            stale = (e for e in entries(I18N / name) if (e.context, e.source, e.comment) not in wanted)
            complaints += [f"{name}: {e.source!r} is no longer used" for e in stale]
            complaints += [f"{name}: {e.source!r} {fault}" for e in fresh for fault in faults(e)]
    return complaints


def main(arguments: list[str]) -> int:
    match arguments:
        case ["update"]:
            complaints = bring_up_to_date(I18N)
        case ["check"]:
            complaints = check()
        case _:
            print(__doc__, file=sys.stderr)
            return 2
    for complaint in complaints:
        print(complaint)
    if complaints and arguments == ["check"]:
        print(f"{len(complaints)} faults; `make catalogues` brings the files up to date, translations go into them.")
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
