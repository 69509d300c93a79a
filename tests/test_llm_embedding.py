"""An embedder behind /v1/embeddings: the real client, a service on loopback, a lake made with it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from assistant.llm.embedding import announce_embedder, connect_embedder
from assistant.settings import Settings
from eval.scripted import Failure
from tests.command_line import run_for_json, write_dump
from tests.fakes.openai_server import DIMENSION, OpenAIServer, embed_words
from tools.embedding import Embedder, ServiceEmbedder
from tools.errors import EmbedderError, ServiceError


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[OpenAIServer]:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    with OpenAIServer() as running:
        yield running


@pytest.fixture
def embedder(server: OpenAIServer, tmp_path: Path) -> Iterator[ServiceEmbedder]:
    settings = Settings(home=tmp_path, openai_base_url=server.base_url, embedder="openai:words", timeout=1)
    made = connect_embedder(settings)
    yield made
    made.close()


def list_inputs(server: OpenAIServer) -> list[list[str]]:
    return [request.body["input"] for request in server.requests]


def test_vectors_are_unit_in_order_and_in_batches(server: OpenAIServer, embedder: ServiceEmbedder) -> None:
    texts = [f"text number {n}" for n in range(150)]
    vectors = embedder.embed(texts)
    assert vectors.dtype == np.float32
    assert vectors.shape == (150, DIMENSION)
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-6)
    assert np.allclose(vectors[149], embed_words("text number 149"), atol=1e-6)
    assert [len(given) for given in list_inputs(server)] == [1, 64, 64, 22]
    assert {request.path for request in server.requests} == {"/v1/embeddings"}
    assert server.requests[0].body["model"] == "words"


def test_it_is_an_embedder_and_says_where_texts_go(server: OpenAIServer, embedder: ServiceEmbedder) -> None:
    as_protocol: Embedder = embedder
    assert as_protocol.name == "openai:words"
    assert server.base_url in announce_embedder(embedder)
    assert server.requests == []


def test_the_dimension_is_asked_for_once_and_remembered(
    server: OpenAIServer, embedder: ServiceEmbedder, tmp_path: Path
) -> None:
    assert embedder.dimension == DIMENSION
    assert embedder.dimension == DIMENSION
    again = connect_embedder(
        Settings(home=tmp_path, openai_base_url=server.base_url, embedder="openai:words")
    )
    assert again.dimension == DIMENSION
    assert list_inputs(server) == [["dimension"]]


def test_odd_texts_are_embedded_too(server: OpenAIServer, embedder: ServiceEmbedder) -> None:
    vectors = embedder.embed(["", "a lone \ud800 surrogate", "語" * 10_000])
    assert np.isfinite(vectors).all()
    assert max(map(len, list_inputs(server)[-1])) <= 4000


def test_no_texts_ask_nothing_more(server: OpenAIServer, embedder: ServiceEmbedder) -> None:
    assert embedder.embed([]).shape == (0, DIMENSION)
    assert list_inputs(server) == [["dimension"]]


def test_a_service_with_a_short_context_gets_shorter_texts(tmp_path: Path, server: OpenAIServer) -> None:
    too_long = Failure(400, body='{"error": {"message": "input is too large"}}')
    with OpenAIServer(embedding_failures=[too_long, too_long]) as short:
        embedder = make(short, tmp_path)
        embedder.embed(["x " * 3000])
        assert [len(given[0]) for given in list_inputs(short)][-1] <= 1000
        embedder.close()


def make(server: OpenAIServer, home: Path) -> ServiceEmbedder:
    """An embedder whose dimension is known already."""
    settings = Settings(home=home, openai_base_url=server.base_url, embedder="openai:words", timeout=1)
    cache = home / "cache" / "model-lake-assistant" / "embedder" / "dimensions.json"
    cache.parent.mkdir(parents=True, exist_ok=True)
    cache.write_text(json.dumps({f"{server.base_url} words": DIMENSION}), encoding="utf-8")
    return connect_embedder(settings)


def describe(*vectors: Any) -> str:
    data = [{"index": n, "embedding": vector, "object": "embedding"} for n, vector in enumerate(vectors)]
    return json.dumps({"object": "list", "data": data, "model": "words"})


@pytest.mark.parametrize(
    ("failure", "said"),
    [
        (Failure(401), r"refused the request \(401\)"),
        (Failure(404), r"refused the request \(404\)"),
        (Failure(200, body="{broken"), "of no use"),
        (Failure(200, body="<html>", content_type="text/html"), "of no use"),
        (Failure(200, body='{"data": null}'), "of no use"),
        (Failure(200, body='{"data": []}'), "0 vectors for 2 texts|of no use"),
        (Failure(200, body=describe([1.0] * DIMENSION)), "1 vectors for 2 texts"),
        (Failure(200, body=describe([0.0] * DIMENSION, [1.0] * DIMENSION)), "zero or not finite"),
        (Failure(200, body=describe([1.0], [1.0, 2.0])), "holds no vectors"),
        (Failure(200, body=describe("words", "words")), "of no use"),
    ],
)
def test_what_is_no_vector_is_the_services_error(
    tmp_path: Path, server: OpenAIServer, failure: Failure, said: str
) -> None:
    with OpenAIServer(embedding_failures=[failure]) as broken:
        embedder = make(broken, tmp_path)
        with pytest.raises(ServiceError, match=said) as caught:
            embedder.embed(["a", "b"])
        assert broken.base_url in str(caught.value)
        assert caught.value.hint
        embedder.close()


def test_another_dimension_than_before_asks_for_new_vectors(tmp_path: Path, server: OpenAIServer) -> None:
    with OpenAIServer(embedding_failures=[Failure(200, body=describe([1.0, 0.0]))]) as changed:
        embedder = make(changed, tmp_path)
        with pytest.raises(EmbedderError, match="2 dimensions, not 64") as caught:
            embedder.embed(["a"])
        assert "--re-embed" in caught.value.hint
        embedder.close()


def test_a_service_that_is_gone_is_not_asked_again_and_again(tmp_path: Path, server: OpenAIServer) -> None:
    with OpenAIServer() as gone:
        embedder = make(gone, tmp_path)
    with pytest.raises(ServiceError, match="cannot be reached"):
        embedder.embed(["a"])
    with pytest.raises(ServiceError, match="a moment ago"):
        embedder.embed(["a"])
    embedder.close()


def test_a_lake_is_made_searched_and_kept_with_its_embedder(
    server: OpenAIServer,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    home, dump = str(tmp_path / "home"), str(write_dump(tmp_path / "cards.jsonl"))
    monkeypatch.setenv("OPENAI_BASE_URL", server.base_url)
    monkeypatch.setenv("LAKE_EMBEDDER", "openai:words")
    monkeypatch.setenv("LAKE_LLM", "offline")
    run_for_json(capsys, "--home", home, "ingest", dump)
    assert run_for_json(capsys, "--home", home, "status")["embedder"] == "openai:words"
    found = run_for_json(capsys, "--home", home, "search", "names of diseases in medical text")
    assert found["hits"][0]["model"] == "beta/disease-tagger"
    assert found["notes"] == []
    monkeypatch.setenv("LAKE_EMBEDDER", "openai:other")
    error = run_for_json(capsys, "--home", home, "search", "diseases", code=2)["error"]
    assert "openai:words" in error["message"]
    assert "--re-embed" in error["hint"]
    run_for_json(capsys, "--home", home, "ingest", dump, "--re-embed")
    assert run_for_json(capsys, "--home", home, "status")["embedder"] == "openai:other"


def test_questions_go_on_by_words_when_the_service_is_gone(
    tmp_path: Path,
    server: OpenAIServer,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    home = str(tmp_path / "home")
    monkeypatch.setenv("LAKE_EMBEDDER", "openai:words")
    monkeypatch.setenv("LAKE_LLM", "offline")
    with OpenAIServer() as gone:
        monkeypatch.setenv("OPENAI_BASE_URL", gone.base_url)
        run_for_json(capsys, "--home", home, "ingest", str(write_dump(tmp_path / "cards.jsonl")))
    found = run_for_json(capsys, "--home", home, "search", "names of diseases")
    assert found["hits"][0]["model"] == "beta/disease-tagger"
    assert "words only" in found["notes"][0]
    answer = run_for_json(capsys, "--home", home, "ask", "Which model finds diseases?")
    assert "beta/disease-tagger" in answer["answer"]
    error = run_for_json(
        capsys, "--home", home, "ingest", str(tmp_path / "cards.jsonl"), "--re-embed", code=3
    )["error"]
    assert gone.base_url in error["message"]


def test_none_means_words_only(
    small_home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LAKE_EMBEDDER", "none")
    found = run_for_json(capsys, "--home", str(small_home), "search", "diseases")
    assert found["hits"][0]["model"] == "beta/disease-tagger"
    assert "words only" in found["notes"][0]
