"""Fetches a model that a person asked for: the only use this program makes of the network.

The files, their sizes and SHA-256 sums come from the model's page on Hugging Face. What came so far is kept when the
connection breaks off or the person stops, and gone on with; a file takes its name only once its sum is right.
"""

import hashlib
import http.client
import json
import logging
import os
import re
import shutil
import ssl
import threading
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO, Any, BinaryIO
from urllib.parse import quote, urlsplit

from app import paths
from app.errors import ModelError
from app.library.known import Known
from app.library.unfinished import hold
from app.wording import Wording

_log = logging.getLogger(__name__)

_HUB = "https://huggingface.co"
_SUFFIX = ".spyglass-fetching"
_BLOCK = 1 << 18
_SILENCE_S = 10.0
_PAUSES_S = (1.0, 3.0, 9.0)
"""How long to wait before asking again, when nothing came the last time."""
_LARGEST_LIST = 1 << 22
_NAME = re.compile(r"[\w.-]+\.gguf", re.ASCII)
_SUM = re.compile(r"[0-9a-f]{64}")
_WEIGHTS = "q4_k_m"
_PROJECTORS = ("q8_0", "f16")
"""Types in the files' names. A projector in Q8_0 is as good, half as large, and faster on a processor."""
_AGAIN = Wording("Try again later; what has been fetched is kept.")

Progress = Callable[[int, int], None]
"""Bytes that are here, and bytes in all."""


@dataclass(frozen=True)
class _File:
    name: str
    size: int
    sha256: str
    address: str


class _Stopped(Exception):
    pass


def place(known: Known) -> Path:
    """The folder that a model is fetched into, of its own: projectors of many models have the same name."""
    return paths.models_dir() / known.repository.rpartition("/")[2]


def here(known: Known) -> Path | None:
    """The model's file, if it has been fetched."""
    found = sorted(place(known).glob("*.gguf"))
    models = [file for file in found if not _is_projector(file.name)]
    return models[0] if models and len(found) > len(models) else None


def fetch(known: Known, progress: Progress, stop: threading.Event) -> Path | None:
    """Fetch the model and its projector, and return the model's file; None if `stop` was set meanwhile.

    HF_ENDPOINT in the environment names another site that has what Hugging Face has. Raises ModelError.
    """
    folder = place(known)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        files = _listed(known, os.environ.get("HF_ENDPOINT", "").rstrip("/") or _HUB, stop)
        _check_room(known, files, folder)
        done, total = 0, sum(file.size for file in files)
        for file in files:
            _fetch_file(file, folder, partial(_add, progress, done, total), stop)
            done += file.size
    except _Stopped:
        return None
    except OSError as error:
        raise _unwritable(folder, error) from error
    return folder / files[-1].name


def _add(progress: Progress, before: int, total: int, here: int) -> None:
    progress(before + here, total)


def _listed(known: Known, hub: str, stop: threading.Event) -> tuple[_File, _File]:
    """The projector and the model, as their page lists them: the large one last."""
    address = f"{hub}/api/models/{known.repository}/tree/main"

    def read() -> bytes:
        with _open(address) as response:
            return response.read(_LARGEST_LIST)

    try:
        found = [
            _file(entry, f"{hub}/{known.repository}/resolve/main/") for entry in json.loads(_patiently(read, stop))
        ]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise _changed(known, repr(error)) from error
    files = [file for file in found if file]
    projectors = [f for kind in _PROJECTORS for f in files if _is_projector(f.name) and kind in f.name.lower()]
    models = [f for f in files if not _is_projector(f.name) and _WEIGHTS in f.name.lower()]
    if not (projectors and models):
        raise _changed(known, ", ".join(file.name for file in files))
    return projectors[0], models[0]


def _file(entry: dict[str, Any], folder: str) -> _File | None:
    """What a line of the list says, if it is a GGUF file with a sum."""
    name, large = str(entry["path"]), entry.get("lfs")
    if not (_NAME.fullmatch(name) and large):
        return None
    size, sha256 = int(large["size"]), str(large["oid"])
    return _File(name, size, sha256, folder + quote(name)) if size > 0 and _SUM.fullmatch(sha256) else None


def _is_projector(name: str) -> bool:
    return name.lower().startswith("mmproj")


def _check_room(known: Known, files: tuple[_File, ...], folder: Path) -> None:
    kept = sum(_size(folder / file.name) or _size(_part(folder, file)) for file in files)
    wanted, free = sum(file.size for file in files) - kept, shutil.disk_usage(folder).free
    if wanted > free:
        sizes = {key: Wording("{size:.1f} GB", size=value / 1e9) for key, value in (("free", free), ("wanted", wanted))}
        what = Wording("{name} needs {wanted} more on the disk, and {free} are free.", name=known.title, **sizes)
        raise ModelError(what, "Make room, or choose a smaller model.", str(folder))


def _fetch_file(file: _File, folder: Path, progress: Callable[[int], None], stop: threading.Event) -> None:
    """Go on with what is there, until all of it is and its sum is right."""
    if _size(folder / file.name) == file.size:
        return
    with hold(_part(folder, file), file.name) as part:
        if part.seek(0, os.SEEK_END) > file.size:
            part.truncate(0)
        digest = _digest(part, stop)

        def go_on() -> None:
            if part.tell() < file.size:
                _pull(file, part, digest, progress, stop)

        _patiently(go_on, stop, part.tell)
        part.flush()
        os.fsync(part.fileno())
        if digest.hexdigest() != file.sha256:
            part.truncate(0)
            what = Wording("What came of {name} is damaged.", name=file.name)
            raise ModelError(what, "Fetch it again.", f"SHA-256 {digest.hexdigest()}, not {file.sha256}")
    os.replace(_part(folder, file), folder / file.name)


def _digest(part: BinaryIO, stop: threading.Event) -> Any:
    """The sum of what is there, read to its end. It is no progress: a disk is faster than a network."""
    digest = hashlib.sha256()
    part.seek(0)
    while block := part.read(1 << 22):
        digest.update(block)
        if stop.is_set():
            raise _Stopped
    return digest


def _pull(file: _File, part: BinaryIO, digest: Any, progress: Callable[[int], None], stop: threading.Event) -> None:
    """Append what comes from where `part` ends. Raises OSError or HTTPException if the connection breaks off."""
    with _open(file.address, part.tell()) as response:
        # A site that cannot go on sends what is here already once more.
        again = 0 if response.status == http.client.PARTIAL_CONTENT else part.tell()
        while part.tell() < file.size:
            if stop.is_set():
                raise _Stopped
            block = response.read1(min(_BLOCK, again or file.size - part.tell()))
            if not block:
                raise http.client.IncompleteRead(b"", file.size - part.tell())
            if again:
                again -= len(block)
                continue
            digest.update(block)
            try:
                part.write(block)
            except OSError as error:
                raise _unwritable(Path(file.name), error) from error
            progress(part.tell())


def _patiently(ask: Callable[[], Any], stop: threading.Event, came: Callable[[], int] = lambda: 0) -> Any:
    """What `ask` returns, asked again after a pause where the network fails, a few times while nothing `came`."""
    pauses, before = list(_PAUSES_S), came()
    while True:
        try:
            return ask()
        except (OSError, http.client.HTTPException) as error:
            if came() > before:
                pauses, before = list(_PAUSES_S), came()
            if not pauses or _is_final(error):
                raise _failure(error) from error
            _log.info("asking again: %r", error)
            if stop.wait(pauses.pop(0)):
                raise _Stopped from None


def _is_final(error: Exception) -> bool:
    """Whether asking again is of no use."""
    reason = getattr(error, "reason", None)
    refused = isinstance(error, urllib.error.HTTPError) and error.code < 500 and error.code not in (408, 429)
    return refused or isinstance(reason, ssl.SSLCertVerificationError)


def _failure(error: Exception) -> ModelError:
    detail = f"{error!r} {getattr(error, 'url', '')}"
    if isinstance(error, urllib.error.HTTPError) and error.code in (401, 403):
        return ModelError("This model is only given to those who sign in.", "Get it from its page.", detail)
    if isinstance(error, urllib.error.HTTPError) and error.code < 500:
        return ModelError("This model is no longer where it was.", "Get it from its page, or choose another.", detail)
    if isinstance(getattr(error, "reason", None), ssl.SSLCertVerificationError):
        todo = Wording("Check the clock, and that the system's certificates are installed (ca-certificates).")
        return ModelError("The site could not prove who it is.", todo, detail)
    if isinstance(error, urllib.error.URLError) and not isinstance(error, urllib.error.HTTPError):
        todo = Wording("Check the network and try again; what has been fetched is kept.")
        return ModelError("There is no connection to the site that has the model.", todo, detail)
    return ModelError("The connection broke off again and again.", _AGAIN, detail)


def _changed(known: Known, detail: str) -> ModelError:
    what = Wording("The page of {name} does not list the files that were expected.", name=known.title)
    return ModelError(what, "Get it from its page.", detail)


def _unwritable(path: Path, error: OSError) -> ModelError:
    what = Wording("{name} could not be written.", name=path.name)
    return ModelError(what, "Check the disk and its permissions; what has been fetched is kept.", str(error))


class _NoDowngrade(urllib.request.HTTPRedirectHandler):
    """Files lie on other hosts than their page; none of them may be asked without encryption if the page was not."""

    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: http.client.HTTPMessage,
        newurl: str,
    ) -> urllib.request.Request | None:
        if urlsplit(req.full_url).scheme == "https" != urlsplit(newurl).scheme:
            raise urllib.error.HTTPError(newurl, 404, "redirected to an address without encryption", headers, fp)
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _open(address: str, begin: int = 0) -> http.client.HTTPResponse:
    request = urllib.request.Request(address, headers={"User-Agent": "Spyglass"})
    if begin:
        request.add_header("Range", f"bytes={begin}-")
    response: http.client.HTTPResponse = urllib.request.build_opener(_NoDowngrade).open(request, timeout=_SILENCE_S)
    return response


def _part(folder: Path, file: _File) -> Path:
    return folder / (file.name + _SUFFIX)


def _size(path: Path) -> int:
    return path.stat().st_size if path.is_file() else 0
