"""all-MiniLM-L6-v2 on onnxruntime: 384 dimensions, 256 tokens, no torch."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tools.embedding.graph import GRAPH_VERSION, HIDDEN, arrange_weights, build_graph
from tools.embedding.weights import (
    INSTALL_COMMAND,
    REPOSITORY,
    REVISION,
    SHA256,
    check_weights,
    find_weights,
    replace_file,
)
from tools.errors import EmbedderError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MAX_TOKENS = 256
# A batch's padded size: enough to fill two cores, small enough that its activations stay in cache.
_BATCH_TOKENS = 2048
_BATCH_TEXTS = 64
_ONNX_FLOAT = 1  # TensorProto.FLOAT


class MiniLMEmbedder:
    """An `Embedder` over checked weights. Made by `load_embedder`; safe to share between threads."""

    def __init__(self, folder: Path, cache: Path, threads: int = 0) -> None:
        import onnxruntime
        from safetensors.numpy import load_file
        from tokenizers import Tokenizer

        self._tokenizer: Any = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self._tokenizer.enable_truncation(MAX_TOKENS)
        self._tokenizer.no_padding()
        # onnxruntime reads these arrays in place, so they live as long as the session.
        self._weights = arrange_weights(load_file(folder / "model.safetensors"))
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        options.intra_op_num_threads = threads  # 0: one for each core
        options.add_external_initializers(
            list(self._weights),
            [
                onnxruntime.OrtValue.ortvalue_from_numpy_with_onnx_type(array, _ONNX_FLOAT)
                for array in self._weights.values()
            ],
        )
        graph = self._read_graph(cache / f"all-minilm-l6-v2.graph{GRAPH_VERSION}.onnx")
        self._session: Any = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])

    def _read_graph(self, path: Path) -> bytes:
        # The few kilobytes are cached because importing onnx to build them takes longer than all the rest.
        try:
            return path.read_bytes()
        except OSError:
            graph = build_graph({name: array.shape for name, array in self._weights.items()})
            replace_file(path, graph)
            return graph

    @property
    def name(self) -> str:
        """Repository and revision of the weights."""
        return f"{REPOSITORY}@{REVISION[:8]}"

    @property
    def dimension(self) -> int:
        return HIDDEN

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """float32 (len(texts), 384), unit norm, in the order given; what is past 256 tokens is not read."""
        import numpy as np

        vectors = np.zeros((len(texts), HIDDEN), dtype=np.float32)
        # The tokenizer refuses lone surrogates, which cards and command lines may hold.
        clean = [text.encode("utf-8", "replace").decode("utf-8") for text in texts]
        encoded = [np.asarray(item.ids, dtype=np.int64) for item in self._tokenizer.encode_batch(clean)]
        # Texts of like length share a batch, so that little of it is padding.
        waiting = sorted(range(len(encoded)), key=lambda i: len(encoded[i]))
        while waiting:
            longest = len(encoded[waiting[-1]])
            size = max(1, min(_BATCH_TEXTS, _BATCH_TOKENS // longest))
            batch, waiting = waiting[-size:], waiting[:-size]
            ids = np.zeros((len(batch), longest), dtype=np.int64)
            mask = np.zeros_like(ids)
            for row, index in enumerate(batch):
                ids[row, : len(encoded[index])] = encoded[index]
                mask[row, : len(encoded[index])] = 1
            vectors[batch] = self._session.run(None, {"input_ids": ids, "attention_mask": mask})[0]
        return vectors


def load_embedder(
    directory: Path | None = None, cache: Path | None = None, *, threads: int = 0
) -> MiniLMEmbedder:
    """The embedder, from `directory`, the installed weights package or the Hugging Face cache, in this order.

    `cache` (default: the platform's user cache) keeps the graph and the record of checked files. `threads`:
    how many compute at the same time, 0 for one on each core. Raises
    EmbedderError when there are no weights, or when they are not the known ones (sha256).
    """
    if cache is None:
        from platformdirs import user_cache_path

        cache = user_cache_path("model-lake-assistant") / "embedder"
    folder = find_weights(directory)
    if folder is None:
        raise EmbedderError(
            f"The embedder's weights ({', '.join(SHA256)} of {REPOSITORY}) are not on this machine.",
            hint=f"Run: {INSTALL_COMMAND}, or: lake embedder download",
        )
    check_weights(folder, cache / "checked.json")
    return MiniLMEmbedder(folder, cache, threads)
