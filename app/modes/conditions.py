"""What the machine can bear: how much of the time the engine may be at work on battery, when hot, when throttled.

`Conditions` is pure; `Sensors` reads what psutil and Linux tell, as far as they tell anything.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

_log = logging.getLogger(__name__)

_MAINS, _BATTERY, _LEAST = 0.8, 0.35, 0.15
_LOW = 0.2
"""A battery below this is kept for more important things."""
_WARM_C = 10.0
"""Degrees below its limit from which on a processor is spared, the more the nearer it comes."""
_LIMIT_C = 90.0
"""Where a sensor names no limit, or one that is too late for a machine on a lap."""
_PROCESSORS = ("coretemp", "k10temp", "zenpower", "cpu_thermal", "cpu-thermal", "soc_thermal", "acpitz")


@dataclass(frozen=True)
class Conditions:
    """battery: how full it is, 0..1. spare_c: degrees that the hottest sensor is below its limit, None where nothing is
    known. throttled: the processor has just slowed itself down."""

    on_battery: bool = False
    battery: float = 1.0
    spare_c: float | None = None
    throttled: bool = False

    @property
    def hot(self) -> bool:
        return self.throttled or (self.spare_c is not None and self.spare_c <= 0)

    @property
    def warm(self) -> bool:
        return self.hot or (self.spare_c is not None and self.spare_c < _WARM_C)

    def duty(self) -> float:
        """The share of the time that the engine may be at work, without a jump that could make it hunt."""
        if self.hot or (self.on_battery and self.battery < _LOW):
            return _LEAST
        most = _BATTERY if self.on_battery else _MAINS
        cool = 1.0 if self.spare_c is None else min(self.spare_c / _WARM_C, 1.0)
        return _LEAST + (most - _LEAST) * cool


@dataclass
class Sensors:
    """Reads the machine. Some sensors take tens of milliseconds, so not for a thread that must not wait.

    battery, temperatures: as psutil's sensors_battery and sensors_temperatures. throttles: how often the processor has
    slowed itself down since the machine was started.
    """

    battery: Callable[[], Any] = lambda: psutil.sensors_battery()
    temperatures: Callable[[], Mapping[str, Sequence[Any]]] = lambda: (
        psutil.sensors_temperatures() if hasattr(psutil, "sensors_temperatures") else {}
    )
    throttles: Callable[[], int] = lambda: throttles()
    _throttles: int | None = field(default=None, init=False)

    def read(self) -> Conditions:
        """What holds now; what cannot be read is taken to be well."""
        battery = _tried(self.battery, None)
        spare = _spare(_tried(self.temperatures, {}))
        before, self._throttles = self._throttles, _tried(self.throttles, 0)
        throttled = before is not None and self._throttles > before
        if battery is None or battery.power_plugged is not False:
            return Conditions(spare_c=spare, throttled=throttled)
        return Conditions(True, battery.percent / 100, spare, throttled)


def throttles(folder: Path = Path("/sys/devices/system/cpu")) -> int:
    """How often the kernel says that the processor has slowed itself down because of heat; 0 where it does not say."""
    counts = (folder / "cpu0" / "thermal_throttle").glob("*_throttle_count")
    return sum(int(count.read_text()) for count in counts)


def _spare(temperatures: Mapping[str, Sequence[Any]]) -> float | None:
    """A disk near its limit is no reason to think less: where the processor's sensors are known only they count."""
    known = [name for name in temperatures if name in _PROCESSORS] or list(temperatures)
    readings = [reading for name in known for reading in temperatures[name] if reading.current]
    return min((min(r.high or _LIMIT_C, _LIMIT_C) - r.current for r in readings), default=None)


def _tried(read: Callable[[], Any], otherwise: Any) -> Any:
    """Sensors of all the machines in the world fail in all the ways there are."""
    try:
        return read()
    except Exception as error:
        _log.debug("a sensor cannot be read: %r", error)
        return otherwise
