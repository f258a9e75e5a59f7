from pathlib import Path

import pytest

from app.library.convert import convert
from tests.unit.mllama.checkpoints import VECTORS


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The checkpoint of the vectors as one GGUF file in float32."""
    path = tmp_path_factory.mktemp("tiny") / "tiny.gguf"
    convert(VECTORS, path)
    return path
