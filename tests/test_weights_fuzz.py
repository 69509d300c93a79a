"""Headers of weights with anything in them: they read, or one clear error says why; nothing else happens."""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.weights_files import draw, save_model
from tools.weights.errors import WeightsError
from tools.weights.opening import open_weights

SETTINGS = settings(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
_DTYPES = st.sampled_from(["F32", "F16", "BF16", "I8", "F8_E4M3", "U64", "BOOL", "Q4_K", "", "f32"])
_SIZES = st.one_of(
    st.integers(0, 9), st.sampled_from([-1, 2**31, 2**63, 2**70]), st.floats(), st.text(max_size=3)
)
_ENTRIES = st.fixed_dictionaries(
    {},
    optional={
        "dtype": st.one_of(_DTYPES, st.none(), st.integers()),
        "shape": st.one_of(st.lists(_SIZES, max_size=4), st.none(), st.text(max_size=3)),
        "data_offsets": st.one_of(st.lists(_SIZES, max_size=3), st.none()),
    },
)
_VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.text(max_size=5)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=8,
)
_HEADERS = st.one_of(st.dictionaries(st.text(max_size=12), st.one_of(_ENTRIES, _VALUES), max_size=5), _VALUES)


def open_or_complain(folder: Path) -> None:
    """Every tensor reads as float32 of its shape, or there is one clear error with what to do."""
    complaint: WeightsError | None = None
    try:
        with open_weights(folder) as weights:
            for name, info in weights.tensors.items():
                if info.shape and np.prod([float(size) for size in info.shape]) < 1e6:
                    assert weights.rows(name, slice(None)).shape == info.shape
    except WeightsError as error:
        complaint = error
    if complaint is not None:
        assert complaint.message.endswith(".")
        assert complaint.hint
        assert "\n" not in complaint.message


@SETTINGS
@given(header=_HEADERS, data=st.binary(max_size=64), length=st.one_of(st.none(), st.integers(0, 2**64 - 1)))
def test_any_header(tmp_path: Path, header: Any, data: bytes, length: int | None) -> None:
    text = json.dumps(header).encode()
    said = len(text) if length is None else length
    (tmp_path / "model.safetensors").write_bytes(struct.pack("<Q", said) + text + data)
    open_or_complain(tmp_path)


@SETTINGS
@given(
    places=st.lists(st.tuples(st.integers(0, 400), st.integers(0, 255)), max_size=6), end=st.integers(0, 500)
)
def test_a_sound_file_with_bytes_changed_or_cut(
    tmp_path: Path, places: list[tuple[int, int]], end: int
) -> None:
    save_model(tmp_path, {"a.weight": draw(4, 6), "b.bias": draw(5)})
    path = tmp_path / "model.safetensors"
    content = bytearray(path.read_bytes())
    for place, value in places:
        content[place % len(content)] = value
    path.write_bytes(content[: max(0, len(content) - end)] if end < 100 else content)
    open_or_complain(tmp_path)


@SETTINGS
@given(index=st.one_of(_VALUES, st.dictionaries(st.just("weight_map"), _VALUES)), name=st.text(max_size=20))
def test_any_index_of_shards(tmp_path: Path, index: Any, name: str) -> None:
    save_model(tmp_path, {"a.weight": draw(2, 2)}, name="model-00001-of-00001.safetensors")
    owners = {"weight_map": {"a.weight": name}} if index is None else index
    (tmp_path / "model.safetensors.index.json").write_text(json.dumps(owners), "utf-8")
    open_or_complain(tmp_path)


@SETTINGS
@given(content=st.binary(max_size=200), magic=st.sampled_from([b"", b"GGUF", b"GGUF\x03\0\0\0"]))
def test_any_gguf(tmp_path: Path, content: bytes, magic: bytes) -> None:
    (tmp_path / "model.gguf").write_bytes(magic + content)
    open_or_complain(tmp_path)
