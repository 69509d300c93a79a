"""The BERT encoder of all-MiniLM-L6-v2 as an ONNX graph, with mean pooling and L2 norm at its end.

Shapes: `input_ids`, `attention_mask` int64 (batch, tokens) -> `vectors` float32 (batch, 384). The weights are
declared as external initializers, so that the graph is a few kilobytes and the weights are read straight from
`model.safetensors`. Architecture: Devlin et al., "BERT" (arXiv:1810.04805); pooling: Reimers and Gurevych,
"Sentence-BERT" (arXiv:1908.10084).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

# Raised whenever `build_graph` or `arrange_weights` changes, so that an older cached graph is not used.
GRAPH_VERSION = 1
LAYERS = 6
HEADS = 12
HIDDEN = 384
EPSILON = 1e-12


def arrange_weights(tensors: Mapping[str, NDArray[np.float32]]) -> dict[str, NDArray[np.float32]]:
    """The tensors the graph reads, from those of `model.safetensors`.

    Linear layers are stored (out, in) and needed (in, out); query, key and value become one matrix, the
    query's share scaled by 1/sqrt(head size) so that the graph need not. Token type 0 joins the positions.
    """
    import numpy as np

    scale = np.float32((HIDDEN // HEADS) ** -0.5)
    arranged: dict[str, NDArray[np.float32]] = {
        "words": tensors["embeddings.word_embeddings.weight"],
        "positions": tensors["embeddings.position_embeddings.weight"]
        + tensors["embeddings.token_type_embeddings.weight"][0],
        "norm.weight": tensors["embeddings.LayerNorm.weight"],
        "norm.bias": tensors["embeddings.LayerNorm.bias"],
    }
    for layer in range(LAYERS):
        stored, ours = f"encoder.layer.{layer}", f"layer{layer}"
        inputs = [f"{stored}.attention.self.{part}" for part in ("query", "key", "value")]
        weights = [tensors[f"{name}.weight"].T for name in inputs]
        biases = [tensors[f"{name}.bias"] for name in inputs]
        arranged[f"{ours}.qkv.weight"] = np.concatenate([weights[0] * scale, *weights[1:]], axis=1)
        arranged[f"{ours}.qkv.bias"] = np.concatenate([biases[0] * scale, *biases[1:]])
        for name, source in (
            ("attention", f"{stored}.attention.output.dense"),
            ("wide", f"{stored}.intermediate.dense"),
            ("narrow", f"{stored}.output.dense"),
        ):
            arranged[f"{ours}.{name}.weight"] = tensors[f"{source}.weight"].T
            arranged[f"{ours}.{name}.bias"] = tensors[f"{source}.bias"]
        for name, source in (
            ("norm1", f"{stored}.attention.output.LayerNorm"),
            ("norm2", f"{stored}.output.LayerNorm"),
        ):
            arranged[f"{ours}.{name}.weight"] = tensors[f"{source}.weight"]
            arranged[f"{ours}.{name}.bias"] = tensors[f"{source}.bias"]
    # onnxruntime reads the bare buffers in C order; concatenating transposed arrays gives the other one.
    return {name: np.ascontiguousarray(array) for name, array in arranged.items()}


def build_graph(shapes: Mapping[str, tuple[int, ...]]) -> bytes:
    """A serialised ONNX model over initializers of the given `shapes` (see `arrange_weights`)."""
    import numpy as np
    from onnx import TensorProto, helper, numpy_helper

    nodes: list[Any] = []
    constants: list[Any] = []

    def add(kind: str, *inputs: str, outputs: int = 1, **attributes: Any) -> Any:
        names = [f"{kind}{len(nodes)}.{i}" for i in range(outputs)]
        nodes.append(helper.make_node(kind, list(inputs), names, **attributes))
        return names[0] if outputs == 1 else names

    def constant(name: str, values: Any, dtype: Any) -> str:
        constants.append(numpy_helper.from_array(np.asarray(values, dtype=dtype), name))
        return name

    def linear(x: str, name: str) -> Any:
        return add("Add", add("MatMul", x, f"{name}.weight"), f"{name}.bias")

    def normalise(x: str, name: str) -> Any:
        return add("LayerNormalization", x, f"{name}.weight", f"{name}.bias", axis=-1, epsilon=EPSILON)

    one = constant("one", [1], np.int64)
    zero = constant("zero", [0], np.int64)
    last = constant("last", [-1], np.int64)
    heads_shape = constant("heads_shape", [0, 0, HEADS, HIDDEN // HEADS], np.int64)
    flat_shape = constant("flat_shape", [0, 0, HIDDEN], np.int64)
    mask = add("Cast", "attention_mask", to=TensorProto.FLOAT)
    # 0 where a token stands, a very negative number where there is padding: (batch, 1, 1, tokens)
    absent = add("Sub", mask, constant("unit", 1.0, np.float32))
    penalty = add("Mul", absent, constant("far", 1e9, np.float32))
    penalty = add("Unsqueeze", penalty, constant("axes12", [1, 2], np.int64))

    length = add("Slice", add("Shape", "input_ids"), one, constant("two", [2], np.int64))
    positions = add("Slice", "positions", zero, length, zero)
    x = normalise(add("Add", add("Gather", "words", "input_ids", axis=0), positions), "norm")
    for layer in range(LAYERS):
        name = f"layer{layer}"
        parts = add("Split", linear(x, f"{name}.qkv"), outputs=3, axis=-1, num_outputs=3)
        query, key, value = (add("Reshape", part, heads_shape) for part in parts)
        query = add("Transpose", query, perm=[0, 2, 1, 3])
        key = add("Transpose", key, perm=[0, 2, 3, 1])
        value = add("Transpose", value, perm=[0, 2, 1, 3])
        weights = add("Softmax", add("Add", add("MatMul", query, key), penalty), axis=-1)
        context = add("Transpose", add("MatMul", weights, value), perm=[0, 2, 1, 3])
        attended = linear(add("Reshape", context, flat_shape), f"{name}.attention")
        x = normalise(add("Add", attended, x), f"{name}.norm1")
        narrow = linear(add("Gelu", linear(x, f"{name}.wide")), f"{name}.narrow")
        x = normalise(add("Add", narrow, x), f"{name}.norm2")

    weighted = add("Mul", x, add("Unsqueeze", mask, last))
    total = add("ReduceSum", weighted, one, keepdims=0)
    # The mean's divisor cancels in the norm, so the sum is normalised directly.
    nodes.append(helper.make_node("LpNormalization", [total], ["vectors"], axis=-1, p=2))

    tensors = []
    for name, shape in shapes.items():
        tensor = TensorProto(
            name=name, data_type=TensorProto.FLOAT, dims=shape, data_location=TensorProto.EXTERNAL
        )
        tensor.external_data.add(key="location", value="given-at-load")
        tensors.append(tensor)
    graph = helper.make_graph(
        nodes,
        "all-MiniLM-L6-v2",
        [
            helper.make_tensor_value_info(name, TensorProto.INT64, ["batch", "tokens"])
            for name in ("input_ids", "attention_mask")
        ],
        [helper.make_tensor_value_info("vectors", TensorProto.FLOAT, ["batch", HIDDEN])],
        [*constants, *tensors],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)
    return bytes(model.SerializeToString())
