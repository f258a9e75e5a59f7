import sys
from types import SimpleNamespace

import pytest

from app.__main__ import main
from app.engine.protocol import CHILD_FLAG

ROOMS = ("app.cli", "app.ui.app", "app.engine.child")


@pytest.mark.parametrize(
    ("argv", "room", "given"),
    [
        ([], "app.ui.app", []),
        (["ask", "a.png", "what?"], "app.cli", ["ask", "a.png", "what?"]),
        ([CHILD_FLAG, "3", "0"], "app.engine.child", ["3", "0"]),
        (["--model", "starter"], "app.ui.app", ["--model", "starter"]),
        (["./cat.png"], "app.ui.app", ["./cat.png"]),
        (["--version"], "app.cli", ["--version"]),
        (["ask", CHILD_FLAG], "app.cli", ["ask", CHILD_FLAG]),
    ],
)
def test_each_way_in_leads_to_its_room(
    monkeypatch: pytest.MonkeyPatch, argv: list[str], room: str, given: list[str]
) -> None:
    entered: list[tuple[str, list[str]]] = []

    def door(name: str) -> SimpleNamespace:
        def enter(argv: list[str]) -> None:
            entered.append((name, argv))
            raise SystemExit  # as the engine does, which does not return

        return SimpleNamespace(main=enter)

    for name in ROOMS:
        monkeypatch.setitem(sys.modules, name, door(name))
    with pytest.raises(SystemExit):
        main(argv)
    monkeypatch.setattr(sys, "argv", ["spyglass", *argv])
    with pytest.raises(SystemExit):
        main()
    assert entered == [(room, given)] * 2
