"""Conversations on disk, so that they go on after the program ends.

    KEY/conversation.json    the words
    KEY/DIGEST.png           each picture, pixel for pixel: what is cached by its digest stays good
    KEY/DIGEST.jpg           the same, small, once it was shown in a list
    draft.txt                what was typed and not asked when the window closed
    shown.txt                KEY of the conversation that was shown last

Each conversation has a folder of its own. Where they outgrow the limit, those changed longest ago go first.
"""

import contextlib
import io
import itertools
import shutil
import sys
import threading
from dataclasses import dataclass
from pathlib import Path

import msgspec
from PIL import Image

from app import paths
from app.chat import files
from app.chat.conversation import Conversation
from app.chat.record import VERSION, File, KeptPicture, Outline, Said, packed, unpacked, writable
from app.errors import SpyglassError
from app.values import Picture

_WORDS = "conversation.json"
_DRAFT = "draft.txt"
_SHOWN = "shown.txt"
_TITLE = 200
"""Letters of a conversation's first question that stand for it in a list."""
_PREVIEW = 160, 160
_OWNER_ONLY = 0o700


@dataclass(frozen=True)
class Entry:
    """A conversation that is kept. changed: seconds since the epoch. said: its questions and answers in order."""

    key: str
    title: str
    changed: float
    said: tuple[Said, ...]

    @property
    def picture(self) -> str:
        """The digest of the picture it began with, or nothing."""
        return next((digest for one in self.said for digest in one.pictures), "")


@dataclass(frozen=True)
class Snapshot:
    """A conversation as it is at one moment, so that another thread can write it. Of two, the higher number is newer.

    content is empty if there is nothing to keep.
    """

    key: str
    number: int
    content: bytes
    pictures: tuple[Picture, ...]


_numbers = itertools.count(1)


def snapshot(conversation: Conversation) -> Snapshot:
    """The conversation as it is now. An answer that is not finished counts as stopped where it is."""
    turns = conversation.turns
    if not turns:
        return Snapshot(conversation.key, next(_numbers), b"", ())
    digests = dict.fromkeys(digest for turn in turns for digest in turn.pictures)
    pictures = tuple(p for digest in digests if (p := conversation.picture(digest)) is not None)
    content = File(
        version=VERSION,
        title=writable(" ".join(turns[0].question.split())[:_TITLE]),
        turns=[packed(turn) for turn in turns],
        pictures=[KeptPicture(p.digest, writable(p.name), p.passing) for p in pictures],
    )
    return Snapshot(conversation.key, next(_numbers), msgspec.json.encode(content), pictures)


class Archive:
    """The conversations of one folder. May be used from several threads."""

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = folder or paths.conversations_dir()
        self._lock = threading.Lock()  # guards what follows, and the folder
        self._newest: dict[str, int] = {}
        self._ours: dict[str, int] = {}
        self._moved: dict[str, str] = {}

    def keep(self, snapshot: Snapshot, limit: int, pictures: bool = True) -> None:
        """Write a conversation down, and forget the oldest until all take `limit` bytes or fewer; 0: keep none.

        One that another program has changed meanwhile is left alone; this one is then kept beside it. pictures: whether
        to write those too, which takes up to seconds; they can follow. Raises SpyglassError if it cannot be written.
        """
        with self._lock:
            if snapshot.number <= self._newest.get(snapshot.key, 0):
                return
            self._newest[snapshot.key] = snapshot.number
            try:
                if limit and snapshot.content:
                    self._write(snapshot, pictures)
                else:
                    self._remove(self._moved.get(snapshot.key, snapshot.key))
                self._trim(limit, spare=self._moved.get(snapshot.key, snapshot.key))
            except OSError as error:
                raise SpyglassError(
                    "The conversation could not be saved; it is there until the program ends.",
                    "Check the disk and the permissions of the folder for conversations.",
                    f"{self.folder}: {error!r}",
                ) from error

    def entries(self) -> list[Entry]:
        """All that are kept, the one changed last first. What cannot be read is left out."""
        found = []
        for folder in self._folders():
            try:
                file = folder / _WORDS
                outline = msgspec.json.decode(file.read_bytes(), type=Outline)
                found.append(Entry(folder.name, outline.title, file.stat().st_mtime, outline.turns))
            except (OSError, msgspec.DecodeError):
                continue
        return sorted(found, key=lambda entry: entry.changed, reverse=True)

    def open(self, key: str) -> Conversation:
        """The conversation called `key`. A picture that is gone or damaged is left out of it. Raises SpyglassError."""
        with self._lock:
            folder = self.folder / key
            try:
                content = msgspec.json.decode((folder / _WORDS).read_bytes(), type=File)
                self._ours[key] = (folder / _WORDS).stat().st_mtime_ns
            except (OSError, msgspec.DecodeError) as error:
                raise SpyglassError(
                    "This conversation cannot be read.", "Choose another one, or begin a new one.", repr(error)
                ) from error
            read = (files.read_picture(folder / f"{one.digest}.png", one) for one in content.pictures)
            pictures = {picture.digest: picture for picture in read if picture is not None}
        turns = [unpacked(number, turn, pictures) for number, turn in enumerate(content.turns, 1)]
        return Conversation.restored(key, turns, pictures)

    def preview(self, key: str, digest: str) -> bytes:
        """A small JPEG of a picture of a conversation; empty if the picture is gone or damaged."""
        folder = self.folder / key
        made = io.BytesIO()
        try:
            if not files.DIGEST.fullmatch(digest):
                return b""
            if (folder / f"{digest}.jpg").exists():
                return (folder / f"{digest}.jpg").read_bytes()
            with Image.open(folder / f"{digest}.png", formats=("PNG",)) as image:
                image.thumbnail(_PREVIEW)
                image.convert("RGB").save(made, "JPEG", quality=85)
        except Exception:  # a decoder raises whatever it likes
            return b""
        with self._lock, contextlib.suppress(OSError):
            if (folder / _WORDS).exists():  # else it was deleted meanwhile
                files.replace(folder / f"{digest}.jpg", made.getvalue())
        return made.getvalue()

    def forget(self, key: str) -> None:
        """Delete a conversation and its pictures, for good: what is still to be written of it is not. Raises
        SpyglassError."""
        with self._lock:
            self._newest[key] = sys.maxsize
            try:
                self._remove(self._moved.get(key, key))
            except OSError as error:
                raise SpyglassError(
                    "The conversation could not be deleted.",
                    "Check the permissions of the folder for conversations.",
                    f"{self.folder}: {error!r}",
                ) from error

    def mark_shown(self, key: str) -> None:
        """Remember which conversation is shown; no more than a comfort, so a disk that refuses is no matter."""
        with self._lock, contextlib.suppress(OSError):
            self.folder.mkdir(mode=_OWNER_ONLY, parents=True, exist_ok=True)
            files.replace(self.folder / _SHOWN, key.encode())

    def shown_last(self) -> str:
        """The key of the conversation that was shown last, or else changed last; empty if none is kept."""
        keys = [entry.key for entry in self.entries()]
        with contextlib.suppress(OSError, UnicodeDecodeError):
            marked = (self.folder / _SHOWN).read_text("utf-8")
            keys = [key for key in keys if key == marked] or keys
        return keys[0] if keys else ""

    def keep_draft(self, text: str) -> None:
        """Write down what is typed and not asked yet. Raises SpyglassError."""
        try:
            if text:
                self.folder.mkdir(mode=_OWNER_ONLY, parents=True, exist_ok=True)
                files.replace(self.folder / _DRAFT, writable(text).encode())
            else:
                (self.folder / _DRAFT).unlink(missing_ok=True)
        except OSError as error:
            raise SpyglassError(
                "What is typed could not be saved.", "Check the disk and its permissions.", repr(error)
            ) from error

    def draft(self) -> str:
        """What was typed when the program ended, or nothing."""
        try:
            return (self.folder / _DRAFT).read_text("utf-8", errors="replace")
        except OSError:
            return ""

    def _write(self, snapshot: Snapshot, pictures: bool) -> None:
        folder = self._place(snapshot.key)
        folder.mkdir(mode=_OWNER_ONLY, parents=True, exist_ok=True)
        if not files.holds(folder / _WORDS, snapshot.content):  # the file's time is when the conversation was changed
            files.replace(folder / _WORDS, snapshot.content)
        self._ours[folder.name] = (folder / _WORDS).stat().st_mtime_ns
        if not pictures:
            return
        wanted = {picture.digest: picture for picture in snapshot.pictures}
        for file in (*folder.glob("*.png"), *folder.glob("*.jpg")):
            if file.stem not in wanted:
                file.unlink()
        for digest, picture in wanted.items():
            if not (folder / f"{digest}.png").exists():
                files.write_picture(folder / f"{digest}.png", picture)

    def _place(self, key: str) -> Path:
        """The folder to write to; another one if somebody else has written to that of `key` since this program did."""
        folder = self.folder / self._moved.get(key, key)
        try:
            found = (folder / _WORDS).stat().st_mtime_ns
        except FileNotFoundError:
            return folder
        if found == self._ours.get(folder.name):
            return folder
        self._moved[key] = Conversation().key
        return self.folder / self._moved[key]

    def _trim(self, limit: int, spare: str) -> None:
        # By what the disk says of the files alone: to read all of them whenever one is written would take long.
        ages = {folder: age for folder in self._folders() if (age := files.age(folder / _WORDS)) is not None}
        sizes = {folder.name: files.size(folder) for folder in sorted(ages, key=ages.__getitem__)}
        for key in sizes:
            if sum(sizes.values()) <= limit:
                return
            if key != spare or not limit:
                self._remove(key)
                sizes[key] = 0

    def _remove(self, key: str) -> None:
        self._ours.pop(key, None)
        if (self.folder / key / _WORDS).exists():
            shutil.rmtree(self.folder / key)

    def _folders(self) -> list[Path]:
        try:
            return [one for one in self.folder.iterdir() if one.is_dir()]
        except OSError:
            return []
