from collections.abc import Iterator
from pathlib import Path

import pytest

from app.engine import machine
from app.library.convert import convert
from tests.unit.mllama.checkpoints import VECTORS


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> Iterator[None]:
    """These graphs are tiny: threads that wait for one another between operations crawl on a busy machine."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(machine, "threads", lambda asked=0: asked or 1)
        yield


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The checkpoint of the vectors as one GGUF file in float32."""
    path = tmp_path_factory.mktemp("tiny") / "tiny.gguf"
    convert(VECTORS, path)
    return path
