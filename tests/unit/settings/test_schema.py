import math

import pytest

from app.errors import UsageError
from app.settings.derived import engine_options, sampling
from app.settings.schema import BY_KEY, SETTINGS, Settings
from app.values import EngineOptions, Sampling


def test_every_setting_is_complete_and_its_default_is_allowed() -> None:
    assert len(BY_KEY) == len(SETTINGS)
    for setting in SETTINGS:
        assert setting.check(setting.default) == setting.default
        assert setting.title
        assert setting.help.endswith(".")
        if type(setting.default) in (int, float):
            assert math.isfinite(setting.low)
            assert math.isfinite(setting.high)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("engine.threads", -1),
        ("engine.threads", 1e9),
        ("engine.threads", "4"),
        ("engine.threads", True),
        ("engine.threads", None),
        ("engine.kv", "f32"),
        ("answer.temperature", 2.5),
        ("answer.temperature", math.nan),
        ("answer.temperature", [1]),
        ("model.path", 3),
        ("model.path", "/models/no-unicode-\udcff.gguf"),
    ],
)
def test_what_a_setting_does_not_take_is_refused(key: str, value: object) -> None:
    with pytest.raises(UsageError, match=key):
        Settings().changed(key, value)


def test_unknown_settings_are_refused_with_the_known_ones() -> None:
    with pytest.raises(UsageError, match=r"no setting engine\.turbo\. .*engine\.threads"):
        Settings({"engine.turbo": True})
    with pytest.raises(UsageError):
        Settings()["engine.turbo"]


def test_whole_numbers_are_fractions_too() -> None:
    value = Settings({"answer.temperature": 1})["answer.temperature"]
    assert (value, type(value)) == (1.0, float)


def test_a_change_leaves_the_old_settings_alone() -> None:
    before = Settings({"engine.threads": 2})
    after = before.changed("engine.threads", 3).changed("engine.kv", "f16")
    assert (before["engine.threads"], after["engine.threads"]) == (2, 3)
    assert after.chosen() == {"engine.threads": 3}


def test_the_engine_gets_what_was_chosen() -> None:
    chosen = Settings({"engine.context": 8192, "engine.kv": "q8_0", "cache.memory": 1, "cache.disk": 3})
    options = engine_options(chosen)
    assert (options.context, options.kv, options.cache_memory, options.cache_disk) == (8192, "q8_0", 1 << 20, 3 << 20)
    assert options.cache_dir
    nothing = engine_options(Settings({"cache.disk": 0}))
    assert (nothing.cache_dir, nothing.cache_disk) == (options.cache_dir, 0)  # so that what is there can be removed


def test_the_defaults_are_those_of_the_engine() -> None:
    options = engine_options(Settings())
    assert options == EngineOptions(cache_dir=options.cache_dir)


def test_sampling_repeats_only_with_a_seed() -> None:
    assert sampling(Settings({"answer.seed": 7, "answer.min_p": 0})) == Sampling(seed=7)
    assert len({sampling(Settings()).seed for _ in range(20)}) > 1
