"""Models come whole and unharmed from a site, or in one sentence not at all."""

import hashlib
import http.server
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import pytest

from app import paths
from app.errors import ModelError
from app.library import fetch
from app.library.known import KNOWN

TINY = replace(KNOWN[0], title="Tiny 1B", repository="somebody/tiny-GGUF")
MODEL, PROJECTOR = "Tiny-Q4_K_M.gguf", "mmproj-Tiny-Q8_0.gguf"


@dataclass
class Site:
    """files: what it has. breaks: after how many bytes of a file to break off, one answer after another."""

    address: str = ""
    files: dict[str, bytes] = field(default_factory=dict)
    breaks: list[int] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    status: int = 200
    ranges: bool = True
    sums: dict[str, str] = field(default_factory=dict)

    def listed(self) -> list[dict[str, object]]:
        lines: list[dict[str, object]] = [{"type": "file", "path": "README.md", "size": 3, "oid": "0"}]
        for name, content in self.files.items():
            sha256 = self.sums.get(name) or hashlib.sha256(content).hexdigest()
            lines.append(
                {"type": "file", "path": name, "size": len(content), "lfs": {"oid": sha256, "size": len(content)}}
            )
        return lines


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """A site with one model in the form that Hugging Face has."""
    one = Site(files={MODEL: bytes(range(256)) * 4000, PROJECTOR: b"projector" * 1000, "Tiny-f16.gguf": b"large"})

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            begin = int((self.headers["Range"] or "bytes=0-")[6:-1])
            name = self.path.rpartition("/")[2]
            one.asked.append(f"{name}@{begin}")
            if one.status != 200:
                self.send_error(one.status)
            elif self.path == "/api/models/somebody/tiny-GGUF/tree/main":
                self.send(json.dumps(one.listed()).encode())
            elif self.path == f"/somebody/tiny-GGUF/resolve/main/{name}":
                self.send_response(302)
                self.send_header("Location", f"/elsewhere/{name}")
                self.end_headers()
            else:
                self.send(one.files[name], begin if one.ranges else 0)

        def send(self, content: bytes, begin: int = 0) -> None:
            self.send_response(206 if begin else 200)
            self.send_header("Content-Length", str(len(content) - begin))
            self.end_headers()
            stop = one.breaks.pop(0) if one.breaks and self.path.startswith("/elsewhere") else len(content)
            self.wfile.write(content[begin : begin + stop])

        def log_message(self, *_: object) -> None:
            pass

    monkeypatch.setattr(fetch, "_PAUSES_S", (0.0, 0.0))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        one.address = f"http://127.0.0.1:{server.server_port}"
        monkeypatch.setenv("HF_ENDPOINT", one.address)
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield one
        server.shutdown()
        thread.join()


def run(stop: threading.Event | None = None) -> list[tuple[int, int]]:
    told: list[tuple[int, int]] = []
    fetch.fetch(TINY, lambda *progress: told.append(progress), stop or threading.Event())
    return told


def test_a_model_comes_with_its_projector_into_a_folder_of_its_own(site: Site) -> None:
    assert fetch.here(TINY) is None
    told = run()
    model = fetch.here(TINY)
    assert model == paths.models_dir() / "tiny-GGUF" / MODEL
    assert {file.name: file.read_bytes() for file in model.parent.iterdir()} == {
        name: site.files[name] for name in (MODEL, PROJECTOR)
    }
    whole = len(site.files[MODEL]) + len(site.files[PROJECTOR])
    assert told == sorted(told)
    assert told[-1] == (whole, whole)
    site.asked.clear()
    run()
    assert site.asked == ["main@0"], "what is here is not fetched again"


def test_a_connection_that_breaks_off_is_gone_on_with(site: Site) -> None:
    site.breaks = [9000, 300_000, 0, 200_000]
    run()
    assert fetch.here(TINY) is not None
    assert f"{MODEL}@300000" in site.asked
    assert f"{MODEL}@500000" in site.asked


@pytest.mark.parametrize("ranges", [True, False])
def test_what_came_before_it_gave_up_is_kept(site: Site, ranges: bool) -> None:
    site.breaks, site.ranges = [9000, 100_000, 0, 0], ranges
    with pytest.raises(ModelError, match=r"broke off.*is kept"):
        run()
    assert fetch.here(TINY) is None
    site.asked.clear()
    assert run()[0][0] > 100_000
    assert site.asked[1:] == [f"{MODEL}@100000"] * 2
    assert fetch.here(TINY).read_bytes() == site.files[MODEL]  # type: ignore[union-attr]


def test_what_has_another_sum_is_thrown_away(site: Site) -> None:
    site.sums[MODEL] = "0" * 64
    with pytest.raises(ModelError, match=f"What came of {MODEL} is damaged"):
        run()
    assert fetch.here(TINY) is None
    del site.sums[MODEL]
    run()
    assert fetch.here(TINY) is not None


def test_who_stops_it_can_go_on_later(site: Site) -> None:
    stop = threading.Event()

    def halfway(here: int, total: int) -> None:
        if here > total // 2:
            stop.set()

    assert fetch.fetch(TINY, halfway, stop) is None
    assert fetch.here(TINY) is None
    site.asked.clear()
    run()
    assert int(site.asked[-1].partition("@")[2]) > 400_000


@pytest.mark.parametrize(
    ("status", "words"),
    [(401, "sign in"), (404, "no longer where it was"), (503, "broke off")],
)
def test_a_site_that_refuses_is_one_sentence(site: Site, status: int, words: str) -> None:
    site.status = status
    with pytest.raises(ModelError, match=words):
        run()
    assert len(site.asked) == (3 if status == 503 else 1), "only what may pass is asked again"


def test_a_page_that_lists_something_else_is_one_sentence(site: Site) -> None:
    del site.files[PROJECTOR]
    site.files["../mmproj-evil-f16.gguf"] = b"evil"
    with pytest.raises(ModelError, match="The page of Tiny 1B does not list"):
        run()


def test_no_connection_is_one_sentence(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: ARG001
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:1")
    with pytest.raises(ModelError, match="There is no connection"):
        run()


def test_a_disk_too_small_is_told_before_anything_is_fetched(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetch.shutil, "disk_usage", lambda _: type("", (), {"free": 1000})())
    with pytest.raises(ModelError, match="Tiny 1B needs"):
        run()
    assert site.asked == ["main@0"]


def test_two_runs_at_once_do_not_write_the_same_file(site: Site) -> None:  # noqa: ARG001
    folder = fetch.place(TINY)
    folder.mkdir(parents=True)
    with (
        fetch.hold(folder / (PROJECTOR + ".spyglass-fetching"), PROJECTOR),
        pytest.raises(ModelError, match="by another run"),
    ):
        run()
