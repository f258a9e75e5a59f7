"""What the native side says of itself decides what is asked of it."""

import pytest

from app.engine import native


@pytest.mark.parametrize(
    ("processor", "may"), [(b"AVX2 = 1 | AVX512 = 1 | REPACK = 1 | ", True), (b"AVX512 = 1 | AMX_INT8 = 1 | ", False)]
)
def test_weights_are_not_rearranged_for_amx(processor: bytes, may: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("llama_cpp.llama_print_system_info", lambda: processor)
    assert native.may_rearrange() == may
