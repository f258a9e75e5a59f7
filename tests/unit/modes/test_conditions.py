"""What the machine can bear, by scripted sensors."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from app.modes.conditions import Conditions, Sensors, throttles


@dataclass
class Battery:
    percent: float
    power_plugged: bool | None


@dataclass
class Reading:
    current: float
    high: float | None = None


@pytest.mark.parametrize(
    ("battery", "temperatures", "expected"),
    [
        (None, {}, Conditions()),
        (Battery(50, True), {}, Conditions()),
        (Battery(50, None), {}, Conditions()),
        (Battery(50, False), {}, Conditions(on_battery=True, battery=0.5)),
        (None, {"board": [Reading(95)]}, Conditions(spare_c=-5)),
        (None, {"coretemp": [Reading(60, 80), Reading(85, 80)]}, Conditions(spare_c=-5)),
        (None, {"coretemp": [Reading(60, 100)]}, Conditions(spare_c=30)),
        (None, {"coretemp": [Reading(60, 80)], "nvme": [Reading(81, 80)]}, Conditions(spare_c=20)),
    ],
)
def test_sensors_are_read(battery: object, temperatures: dict[str, list[Reading]], expected: Conditions) -> None:
    assert Sensors(lambda: battery, lambda: temperatures, lambda: 3).read() == expected


def test_a_processor_that_slows_itself_down_is_hot_until_it_no_longer_does() -> None:
    counts = iter([7, 7, 9, 9])
    sensors = Sensors(lambda: None, dict, lambda: next(counts))
    assert [sensors.read().throttled for _ in range(4)] == [False, False, True, False]


def test_sensors_that_fail_mean_nothing() -> None:
    def fail() -> int:
        raise FileNotFoundError

    assert Sensors(fail, fail, fail).read() == Conditions()  # type: ignore[arg-type]


def test_the_kernel_counts(tmp_path: Path) -> None:
    assert throttles(tmp_path) == 0
    folder = tmp_path / "cpu0" / "thermal_throttle"
    folder.mkdir(parents=True)
    (folder / "core_throttle_count").write_text("2\n")
    (folder / "package_throttle_count").write_text("5\n")
    (folder / "core_throttle_max_time_ms").write_text("900\n")
    assert throttles(tmp_path) == 7


def test_this_machine_s_own_sensors_can_be_read() -> None:
    assert 0.0 <= Sensors().read().duty() <= 1.0


def test_the_hotter_the_less_and_never_nothing() -> None:
    duties = [Conditions(spare_c=spare).duty() for spare in (40, 10, 6, 2, 0, -20)]
    assert duties == sorted(duties, reverse=True)
    assert duties[0] == duties[1] == 0.8
    assert duties[-1] == duties[-2] == 0.15
    # Without a jump, so that cooling down a little does not begin the heating anew.
    assert Conditions(spare_c=0.1).duty() == pytest.approx(0.15, abs=0.01)
    assert Conditions(spare_c=9.9).duty() == pytest.approx(0.8, abs=0.01)


def test_a_battery_and_heat_count_together() -> None:
    assert Conditions(on_battery=True).duty() == 0.35
    assert Conditions(on_battery=True, spare_c=5).duty() == pytest.approx(0.25)
    assert Conditions(on_battery=True, battery=0.19).duty() == 0.15
    assert Conditions(throttled=True).duty() == 0.15
