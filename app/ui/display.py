"""Whether there is a screen to open a window on. Asked before Qt is, which would end the program without a word."""

import contextlib
import os
import re
import socket
import sys
from collections.abc import Iterator, Mapping

_LOCAL = "/tmp/.X11-unix/X"
_TCP = 6000
_PATIENCE_S = 3.0


def there_is_one(environment: Mapping[str, str] = os.environ) -> bool:
    """False only where it is certain: under X11, if nobody answers at the address that DISPLAY names."""
    if sys.platform != "linux" or environment.get("QT_QPA_PLATFORM") or environment.get("WAYLAND_DISPLAY"):
        return True
    name = re.fullmatch(r"(?:[\w.-]+/)?([^:]*):(\d+)(?:\.\d+)?", environment.get("DISPLAY", ""))
    return name is not None and any(_answers(address) for address in _addresses(name[1], int(name[2])))


def _addresses(host: str, number: int) -> Iterator[str | tuple[str, int]]:
    if host in ("", "unix"):
        yield f"\0{_LOCAL}{number}"  # Linux's own kind of address, which containers may not see
        yield f"{_LOCAL}{number}"
    yield host.strip("[]") or "localhost", _TCP + number


def _answers(address: str | tuple[str, int]) -> bool:
    with contextlib.suppress(OSError, OverflowError):
        if isinstance(address, tuple):
            socket.create_connection(address, _PATIENCE_S).close()
        else:
            with socket.socket(socket.AF_UNIX) as one:
                one.settimeout(_PATIENCE_S)
                one.connect(address)
        return True
    return False
