"""The header reader, above all on files that lie."""

import os
import struct
import time

import pytest

from app.errors import ModelError
from app.gguf import ArrayValue, GgufError, fingerprint, read_header
from app.library.gguf_writer import PlannedTensor, entry, write

ENTRIES = {
    "general.architecture": "test",
    "a.count": 7,
    "a.ratio": 0.5,
    "a.flag": True,
    "a.numbers": [1, 2, 3],
    "a.reals": [0.5, 1.5],
    "a.words": ["one", "zwei", "三"],
}


@pytest.fixture
def good(tmp_path):
    path = tmp_path / "good.gguf"
    tensors = [
        PlannedTensor("first", (4, 3), 0, lambda: iter([bytes(range(48))])),
        PlannedTensor("second", (32,), 8, lambda: iter([bytes(34)])),
    ]
    write(path, [entry(key, value) for key, value in ENTRIES.items()], tensors)
    return path


def test_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe.gguf")
    with pytest.raises(ModelError, match="cannot be read"):
        read_header(tmp_path / "pipe.gguf")


def test_what_was_written_is_read(good):
    file = read_header(good)
    assert file.architecture == "test"
    assert (file.number("a.count"), file.number("a.ratio")) == (7, 0.5)
    assert file.metadata["a.flag"] is True
    assert file.array("a.numbers") == [1, 2, 3]
    assert file.array("a.reals") == [0.5, 1.5]
    assert file.array("a.words") == ["one", "zwei", "三"]
    assert file.array("absent") == []
    assert file.text("absent", "none") == "none"
    first, second = file.tensors["first"], file.tensors["second"]
    assert (first.shape, first.nbytes, second.shape, second.nbytes) == ((4, 3), 48, (32,), 34)
    assert good.read_bytes()[first.offset : first.offset + 48] == bytes(range(48))


def test_a_number_that_is_missing_or_no_number_is_an_error(good):
    for key in ("absent", "general.architecture", "a.flag"):
        with pytest.raises(GgufError):
            read_header(good).number(key)


@pytest.mark.parametrize("value", [float("inf"), float("nan")])
def test_a_number_that_is_not_finite_is_an_error(tmp_path, value):
    write(tmp_path / "bad.gguf", [entry("a.ratio", value)], [])
    with pytest.raises(GgufError):
        read_header(tmp_path / "bad.gguf").number("a.ratio")


def test_every_truncation_is_an_error(good):
    whole = good.read_bytes()
    for length in range(len(whole) - 30):  # the padding at the end may be missing
        good.write_bytes(whole[:length])
        with pytest.raises(ModelError):
            read_header(good)


def test_every_changed_byte_of_the_header_is_read_or_refused_quickly(good):
    whole = good.read_bytes()
    start = time.process_time()
    end = read_header(good).data_offset
    for place in range(end):
        for value in (0x00, 0x7F, 0xFF):
            good.write_bytes(whole[:place] + bytes([value]) + whole[place + 1 :])
            try:
                file = read_header(good)
                for key in list(file.metadata):
                    file.array(key)
            except GgufError:
                pass
    assert time.process_time() - start < 0.01 * 3 * end


def header(n_tensors=0, n_keys=0, rest=b"", version=3):
    return b"GGUF" + struct.pack("<IQQ", version, n_tensors, n_keys) + rest


def string(text):
    return struct.pack("<Q", len(text)) + text


def tensor(name=b"t", shape=(1,), kind=0, offset=0):
    return string(name) + struct.pack(f"<I{len(shape)}QIQ", len(shape), *shape, kind, offset)


LIES = {
    "empty": b"",
    "another format": b"PK\x03\x04" + bytes(60),
    "version 1": header(version=1),
    "big-endian": b"GGUF" + struct.pack(">IQQ", 3, 0, 0),
    "a 49-byte file with an endless array": header(0, 1, string(b"k") + struct.pack("<IIQ", 9, 8, 2**62)),
    "2^63 tensors": header(2**63),
    "2^63 keys": header(0, 2**63),
    "65536 tensors in an empty file": header(65536),
    "a key as long as memory": header(0, 1, struct.pack("<Q", 2**40)),
    "a string as long as memory": header(0, 1, string(b"k") + struct.pack("<IQ", 8, 2**50)),
    "an array of arrays": header(0, 1, string(b"k") + struct.pack("<IIQ", 9, 9, 1)),
    "an array of numbers that overflows": header(0, 1, string(b"k") + struct.pack("<IIQ", 9, 10, 2**61)),
    "an array of four million strings": header(0, 1, string(b"k") + struct.pack("<IIQ", 9, 8, 4 << 20)),
    "a value of no type": header(0, 1, string(b"k") + struct.pack("<I", 77)),
    "a key twice": header(0, 2, 2 * (string(b"k") + struct.pack("<II", 4, 1))),
    "alignment 0": header(0, 1, string(b"general.alignment") + struct.pack("<II", 4, 0)),
    "alignment 3": header(0, 1, string(b"general.alignment") + struct.pack("<II", 4, 3)),
    "alignment in words": header(0, 1, string(b"general.alignment") + struct.pack("<I", 8) + string(b"32")),
    "no dimensions": header(1, 0, tensor(shape=())),
    "five dimensions": header(1, 0, tensor(shape=(1, 1, 1, 1, 1))),
    "a side of 0": header(1, 0, tensor(shape=(4, 0)) + bytes(64)),
    "sides whose product overflows": header(1, 0, tensor(shape=(2**40, 2**40, 2**40, 2**40)) + bytes(64)),
    "an unknown type": header(1, 0, tensor(kind=4) + bytes(64)),
    "half a block": header(1, 0, tensor(shape=(33,), kind=8) + bytes(99)),
    "data behind the end": header(1, 0, tensor(shape=(64,), offset=1 << 40) + bytes(512)),
    "data that is not aligned": header(1, 0, tensor(offset=4) + bytes(64)),
    "a tensor twice": header(2, 0, 2 * tensor() + bytes(96)),
}


@pytest.mark.parametrize("name", LIES)
def test_a_file_that_lies_is_refused_in_milliseconds(name, tmp_path):
    path = tmp_path / "lie.gguf"
    path.write_bytes(LIES[name])
    start = time.monotonic()
    with pytest.raises(GgufError) as caught:
        read_header(path)
    assert time.monotonic() - start < 0.1
    assert caught.value.what == "The model file lie.gguf is damaged or is not a GGUF file."


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(ModelError, match=r"absent\.gguf"):
        read_header(tmp_path / "absent.gguf")


def test_a_file_cut_while_it_is_used_gives_an_error(good):
    file = read_header(good)
    good.write_bytes(good.read_bytes()[:60])
    with pytest.raises(GgufError):
        file.array("a.words")


def test_arrays_stay_in_the_file_until_wanted(good):
    assert isinstance(read_header(good).metadata["a.words"], ArrayValue)


def test_the_fingerprint_tells_models_apart(good, tmp_path):
    other = tmp_path / "other.gguf"
    raw = bytearray(good.read_bytes())
    raw[read_header(good).tensors["first"].offset + 30] ^= 1
    other.write_bytes(raw)
    assert fingerprint(read_header(good)) == fingerprint(read_header(good))
    assert fingerprint(read_header(good)) != fingerprint(read_header(other))
