"""An embedder behind OpenAI's `/v1/embeddings`, as OpenAI, vLLM, llama.cpp, Ollama and LM Studio serve it."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tools.embedding.weights import replace_file
from tools.errors import EmbedderError, ServiceError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

PREFIX = "openai:"
_BATCH_TEXTS = 64
# Characters of a text that are sent: about a thousand tokens. A server that takes less refuses the batch, and
# gets half as much until it does not.
_MOST_TEXT, _LEAST_TEXT = 4000, 500
_TOO_LONG = frozenset({400, 413, 422, 500})
_RETRIES = 2  # with backoff and Retry-After, by the client
# A question embeds several times; when the service cannot be reached, not each of them waits for it.
_REST_SECONDS = 20.0
_HINT = "Check OPENAI_BASE_URL, OPENAI_API_KEY and the model's name, or unset LAKE_EMBEDDER."


class ServiceEmbedder:
    """An `Embedder` whose vectors a service makes. Texts go to `address` and nowhere else.

    `make_client` gives an `openai.OpenAI`; it is called when the first text is embedded, because importing
    the client takes a second. `cache` remembers dimensions, so that opening a lake asks the service nothing.
    """

    def __init__(self, model: str, address: str, make_client: Callable[[], Any], cache: Path) -> None:
        self.model = model
        self.address = address
        self._make_client = make_client
        self._cache = cache
        self._client: Any = None
        self._dimension: int | None = None
        self._most = _MOST_TEXT
        self._lock = threading.Lock()
        self._unreachable_until = 0.0

    @property
    def name(self) -> str:
        """`openai:` and the model's name at the service; which service it is does not matter."""
        return f"{PREFIX}{self.model}"

    @property
    def dimension(self) -> int:
        """Known from the cache, else by embedding one word. Raises ServiceError when that fails."""
        if self._dimension is None:
            self._dimension = self._read_dimension() or self._request(["dimension"]).shape[1]
            self._write_dimension(self._dimension)
        return self._dimension

    def close(self) -> None:
        """Close the connections to the service; a later text opens them anew."""
        with self._lock:
            if self._client is not None:
                self._client.close()
                self._client = None

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """float32 (len(texts), dimension), unit norm, in the order given.

        Raises ServiceError when the service fails or what it sends are no vectors, EmbedderError when they
        have another dimension than before.
        """
        import numpy as np

        vectors = np.zeros((len(texts), self.dimension), dtype=np.float32)
        for start in range(0, len(texts), _BATCH_TEXTS):
            found = self._request(texts[start : start + _BATCH_TEXTS])
            if found.shape[1] != vectors.shape[1]:
                self._write_dimension(found.shape[1])  # the next run opens with what the service gives now
                raise EmbedderError(
                    f"The model {self.model!r} at {self.address} gives {found.shape[1]} dimensions, "
                    f"not {vectors.shape[1]} as before.",
                    hint="Run `lake ingest --re-embed` to make the vectors anew.",
                )
            vectors[start : start + len(found)] = found
        return vectors

    def _request(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """One request, or several with shorter texts when the service finds them too long."""
        import openai

        if time.monotonic() < self._unreachable_until:
            raise self._describe_failure("it could not be reached a moment ago")
        with self._lock:
            if self._client is None:
                self._client = self._make_client().with_options(max_retries=_RETRIES)
        while True:
            # An empty text has no vector at most services; a lone surrogate is no JSON.
            sent = [t[: self._most].encode("utf-8", "replace").decode() or " " for t in texts]
            try:
                reply = self._client.embeddings.create(model=self.model, input=sent, encoding_format="float")
            except openai.APIStatusError as error:
                longest = max(map(len, sent))
                if error.status_code in _TOO_LONG and longest > _LEAST_TEXT:
                    self._most = max(_LEAST_TEXT, min(self._most, longest) // 2)
                    continue
                raise ServiceError(
                    f"The embedding service {self.address} refused the request ({error.status_code}).",
                    hint=_HINT,
                ) from error
            except openai.APIError as error:
                self._unreachable_until = time.monotonic() + _REST_SECONDS
                raise self._describe_failure(_name_error(error)) from error
            except (ValueError, TypeError) as error:  # no JSON, or JSON of another shape
                raise self._refuse_reply("it cannot be read") from error
            return self._read_vectors(reply, len(sent))

    def _read_vectors(self, reply: Any, wanted: int) -> NDArray[np.float32]:
        import numpy as np

        try:
            data = sorted(reply.data, key=lambda item: int(item.index))
            found = np.asarray([item.embedding for item in data], dtype=np.float32)
        except (AttributeError, TypeError, ValueError, OverflowError) as error:
            raise self._refuse_reply("it holds no vectors") from error
        if found.ndim != 2 or len(found) != wanted or not found.shape[1]:
            raise self._refuse_reply(f"it holds {len(found)} vectors for {wanted} texts")
        norms = np.linalg.norm(found, axis=1, keepdims=True)
        if not np.isfinite(norms).all() or not norms.all():
            raise self._refuse_reply("a vector in it is zero or not finite")
        return np.asarray(found / norms, dtype=np.float32)

    def _describe_failure(self, why: str) -> ServiceError:
        return ServiceError(f"The embedding service {self.address} failed: {why}.", hint=_HINT)

    def _refuse_reply(self, why: str) -> ServiceError:
        return ServiceError(
            f"The reply of the embedding service {self.address} is of no use: {why}.", hint=_HINT
        )

    @property
    def _key(self) -> str:
        return f"{self.address} {self.model}"

    def _read_dimension(self) -> int | None:
        known = self._read_cache().get(self._key)
        return known if isinstance(known, int) and known > 0 else None

    def _write_dimension(self, dimension: int) -> None:
        known = self._read_cache()
        if known.get(self._key) != dimension:
            replace_file(self._cache, json.dumps({**known, self._key: dimension}, indent=1).encode())

    def _read_cache(self) -> dict[str, Any]:
        try:
            known = json.loads(self._cache.read_bytes())
        except (OSError, ValueError):
            return {}
        return known if isinstance(known, dict) else {}


def _name_error(error: Exception) -> str:
    names = {kind.__name__ for kind in type(error).__mro__}
    if "APITimeoutError" in names:
        return "it did not answer in time"
    return "it cannot be reached" if "APIConnectionError" in names else type(error).__name__
