"""How long the window's event loop stalls while an answer streams in, 100 pieces a second, from the engine process.

    python benchmarks/window.py [seconds]

A stall is the time between two turns of the loop beyond the millisecond that a timer asked for. Beside it stands what
the window's thread itself computed in that turn: on a busy machine the rest is other programs. What is written is
Markdown of every kind, in a window that is shown (set QT_QPA_PLATFORM=offscreen without a display). Fails if a turn
computes too long.
"""

import json
import os
import sys
import tempfile
import time

import psutil
from PySide6.QtCore import QEventLoop, QTimer
from PySide6.QtWidgets import QApplication

from app.chat.conversation import Turn
from app.settings.store import SettingsStore
from app.ui import theme
from app.ui.app import build, dismantle
from app.ui.window import Window

LIMIT_MS = 50.0
PIECES_A_SECOND = 100
SETTLE_S = 1.0

PARAGRAPH = """## A heading, and what follows

The sign reads **no parking between 8 and 18 h**, as the [rules](https://example.org) and `code` say; it goes on.

- first of a list with some more words
- second of a list

| Day | From | To |
|---|---|---|
| Monday | 8 | 18 |

```python
def may_park(hour: int) -> bool:
    return not 8 <= hour < 18
```

"""


def question(seconds: float) -> str:
    """A question that makes the scripted model write for that long."""
    times = round(seconds * PIECES_A_SECOND / len(PARAGRAPH.split()))
    step = {"do": "say", "text": PARAGRAPH, "delay": 1 / PIECES_A_SECOND, "times": max(1, times)}
    return json.dumps({"answer": [step]}, separators=(",", ":"))


def main(seconds: float) -> int:
    os.environ["SPYGLASS_HOME"] = tempfile.mkdtemp(prefix="spyglass-bench-")
    app = QApplication.instance() or QApplication(["window"])
    assert isinstance(app, QApplication)
    theme.apply(app, theme.LIGHT)
    store = SettingsStore()
    store.set("model.path", "echo")
    services = build(store)
    window = Window(services)
    window.start()
    services.session.find_model()
    try:
        stalls, computing, busy, turn = measure(window, seconds)
    finally:
        window.widget.close()
        dismantle(services)
    rate = len(turn.answer.split()) / seconds
    print(f"answer: {len(turn.answer)} characters, {len(turn.answer.split())} words, {rate:.0f} a second")
    print(f"{len(stalls)} turns of the event loop, ms        stall   of it computed")
    for share in (0.5, 0.9, 0.99, 0.999, 1.0):
        words = "longest" if share == 1.0 else f"{share:.1%} of the turns at most"
        print(f"  {words:36} {quantile(stalls, share):7.1f} {quantile(computing, share):16.1f}")
    load = psutil.getloadavg()[0] / (psutil.cpu_count() or 1)
    print(f"limit {LIMIT_MS:.0f} ms; other programs want {load:.1f} times the processors there are")
    print(f"processor time of the window's process while streaming: {busy:.0%} of a core")
    return 0 if max(computing) <= LIMIT_MS else 1


def quantile(values: list[float], share: float) -> float:
    return sorted(values)[int(share * (len(values) - 1))]


def measure(window: Window, seconds: float) -> tuple[list[float], list[float], float, Turn]:
    """Ask once the window is painted, and note every stall, and what the thread computed in it, in milliseconds."""
    stalls: list[float] = []
    computing: list[float] = []
    last, last_own = 0.0, 0.0

    def tick() -> None:
        nonlocal last, last_own
        now, own = time.perf_counter(), time.thread_time()
        stalls.append((now - last) * 1000 - 1)
        computing.append((own - last_own) * 1000)
        last, last_own = now, own

    loop, timer = QEventLoop(), QTimer(interval=1)
    timer.timeout.connect(tick)
    window.session.answer.connect(lambda turn: loop.quit() if turn.ended else None)
    QTimer.singleShot(round(SETTLE_S * 1000), loop.quit)
    loop.exec()
    process = psutil.Process()
    before, start = process.cpu_times(), time.perf_counter()
    last, last_own = start, time.thread_time()
    timer.start()
    window.composer.submitted.emit(question(seconds))
    loop.exec()
    timer.stop()
    after = process.cpu_times()
    busy = (after.user + after.system - before.user - before.system) / (time.perf_counter() - start)
    return stalls, computing, busy, window.session.conversation.turns[-1]


if __name__ == "__main__":
    sys.exit(main(float(sys.argv[1]) if len(sys.argv) > 1 else 20.0))
