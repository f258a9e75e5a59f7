"""The entry among the desktop's programs."""

import os
import shutil
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[3]


def run(root: Path, home: Path, *words: str) -> str:
    environment = os.environ | {"HOME": str(home), "XDG_DATA_HOME": ""}
    script = [root / "packaging" / "desktop.sh", *words]
    return subprocess.run(script, env=environment, check=True, capture_output=True, text=True).stdout


def test_the_entry_starts_this_copy_and_can_be_taken_away(tmp_path: Path) -> None:
    root = tmp_path / 'a "copy" of $pyglass'
    (root / "packaging").mkdir(parents=True)
    (root / "assets").mkdir()
    shutil.copy(ROOT / "packaging" / "desktop.sh", root / "packaging")
    shutil.copy(ROOT / "assets" / "spyglass.svg", root / "assets")
    share = tmp_path / ".local" / "share"
    assert "among your programs" in run(root, tmp_path)
    entry = (share / "applications" / "spyglass.desktop").read_text("utf-8").splitlines()
    path = str(root / ".venv" / "bin" / "spyglass")
    escaped = path.replace('"', r'\\"').replace("$", r"\\$")
    assert f'Exec="{escaped}" window %F' in entry
    assert (share / "icons" / "hicolor" / "scalable" / "apps" / "spyglass.svg").is_file()
    run(root, tmp_path, "remove")
    assert [path for path in share.rglob("*") if path.is_file()] == []
