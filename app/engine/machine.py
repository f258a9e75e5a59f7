"""What this machine has to run models with: threads and memory."""

import mmap
import os
import sys
from pathlib import Path

import psutil

_CGROUP = Path("/sys/fs/cgroup")


def threads(asked: int = 0) -> int:
    """How many threads to compute with: as asked, else one per physical core this process may use.

    Matrix products saturate a core's vector units, so its second hardware thread only takes turns with the first
    (docs/decisions/0021).
    """
    if asked > 0:
        return asked
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min(usable, psutil.cpu_count(logical=False) or usable))


def free_memory() -> int:
    """Bytes a new model may use: what is available, within the container's limit if any.

    Page cache counts as available, but for what this process has mapped of it: the weights of the models that are
    loaded. A second model in their place would have both read from the disk again and again.
    """
    mapped = int(getattr(psutil.Process().memory_info(), "shared", 0))  # Linux tells; elsewhere it stays an estimate
    free = max(0, int(psutil.virtual_memory().available) - mapped)
    limit, used = _number(_CGROUP / "memory.max"), _number(_CGROUP / "memory.current")
    if limit is not None and used is not None:
        free = min(free, max(0, limit - used + max(0, _inactive_file() - mapped)))
    return free


def room(mapped: int) -> int:
    """Bytes a new model may use in this process, `mapped` of them files that are mapped.

    That is `free_memory`, but no more than the process's own limit leaves, which does not count mapped files.
    """
    free = free_memory()
    limit, used = _own_limit(), _own_memory()
    return free if limit is None or used is None else min(free, max(0, limit - used) + mapped)


def _own_limit() -> int | None:
    """Bytes this process may allocate for itself (see `child`), if there is a limit."""
    if sys.platform == "win32":
        return None
    import resource

    limit = resource.getrlimit(resource.RLIMIT_DATA)[0]
    return None if limit == resource.RLIM_INFINITY else limit


def _own_memory() -> int | None:
    """What counts against that limit, in bytes; None where the system does not tell."""
    try:
        pages = Path("/proc/self/statm").read_text().split()[5]
    except OSError:
        return None
    return int(pages) * mmap.PAGESIZE


def _inactive_file() -> int:
    """Page cache the container could give back, which `memory.current` counts as used."""
    try:
        lines = (_CGROUP / "memory.stat").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("inactive_file ")), 0)


def _number(path: Path) -> int | None:
    try:
        text = path.read_text().strip()
    except OSError:
        return None
    return int(text) if text.isdigit() else None
