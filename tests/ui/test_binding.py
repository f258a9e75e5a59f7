"""The Qt binding itself: faults in it that ended the program once."""

import sys

from PySide6.QtCore import QObject


def test_calls_without_a_result_keep_none_alive() -> None:
    # PySide6 6.12.0 lost one reference to None a call, which ends a Python before 3.12 (docs/decisions/0030).
    thing = QObject()
    before = sys.getrefcount(None)
    for _ in range(1000):
        thing.setObjectName("a")
    assert sys.getrefcount(None) > before - 500
