"""What the native side says of itself decides what is asked of it."""

import pytest

from app.engine import native


@pytest.mark.parametrize(
    ("features", "may"), [(frozenset({"AVX512", "REPACK"}), True), (frozenset({"AVX512", "AMX_INT8"}), False)]
)
def test_weights_are_not_rearranged_for_amx(
    features: frozenset[str], may: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(native, "features", lambda: features)
    assert native.may_rearrange() == may
