from app.engine.timers import Timers


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_timers_run_when_due_and_once() -> None:
    clock = Clock()
    timers = Timers(clock)
    ran: list[str] = []
    assert timers.wait() is None
    timers.set("b", 0.5, lambda: ran.append("b"))
    timers.set("a", 0.2, lambda: ran.append("a"))
    assert abs((timers.wait() or 0) - 0.2) < 1e-9
    for passed, expected in ((0.19, []), (0.02, ["a"]), (0.2, ["a"]), (0.1, ["a", "b"]), (9, ["a", "b"])):
        clock.now += passed
        timers.step()
        timers.run_due()
        assert ran == expected
    assert timers.wait() is None


def test_setting_again_replaces_and_dropping_forgets() -> None:
    clock = Clock()
    timers = Timers(clock)
    ran: list[str] = []
    timers.set("a", 0.1, lambda: ran.append("old"))
    timers.set("a", 0.5, lambda: ran.append("new"))
    timers.set("b", 0.1, lambda: ran.append("b"))
    timers.drop("b", "never set")
    assert timers.is_set("a")
    assert not timers.is_set("b")
    clock.now += 0.6
    timers.step()
    timers.run_due()
    assert ran == ["new"]


def test_a_timer_may_set_itself_or_drop_another() -> None:
    clock = Clock()
    timers = Timers(clock)
    ran: list[str] = []

    def first() -> None:
        ran.append("first")
        timers.drop("second")
        timers.set("first", 0.1, first)

    timers.set("first", 0.1, first)
    timers.set("second", 0.1, lambda: ran.append("second"))
    for _ in range(3):
        clock.now += 0.15
        timers.step()
        timers.run_due()
    assert ran == ["first"] * 3


def test_time_in_which_the_loop_did_not_run_counts_for_a_second_at_most() -> None:
    clock = Clock()
    timers = Timers(clock)
    ran: list[str] = []
    timers.set("deadline", 10.0, lambda: ran.append("deadline"))
    clock.now += 3600  # the computer slept
    timers.step()
    timers.run_due()
    assert not ran
    for _ in range(9):
        clock.now += timers.wait() or 0
        timers.step()
        timers.run_due()
    assert ran == ["deadline"]


def test_a_wait_is_never_longer_than_what_a_step_counts() -> None:
    timers = Timers(Clock())
    timers.set("far", 60.0, lambda: None)
    assert timers.wait() == 1.0
