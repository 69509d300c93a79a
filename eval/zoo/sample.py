"""The weights of the sample lake's small models: `python -m eval.zoo.sample [FOLDER]` trains and writes them.

Cards and records beside them are written by hand; what this writes is weights, configurations and tokenizers.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

from eval.zoo import changes
from eval.zoo.families import Animal, Zoo
from eval.zoo.layouts import write_adapter, write_model, write_tokenizer
from eval.zoo.making import require_torch
from eval.zoo.networks import Spec
from eval.zoo.training import Course

ORGANISATION = "example-lab"
_SEED = 4
_LLAMA = Spec(
    "llama", vocabulary=512, hidden=96, layers=3, heads=4, kv_heads=2, head_size=24, neurons=256, positions=64
)
_BERT = Spec(
    "bert", vocabulary=512, hidden=96, layers=3, heads=4, kv_heads=4, head_size=24, neurons=320,
    positions=64, eps=1e-12,
)  # fmt: skip

_BASIC = Course(300)


def found_family(zoo: Zoo) -> str:
    """Train the first model of the sample, from which its family descends; its key."""
    return zoo.found("brook-base", _LLAMA, _BASIC, dtype="float16")


def build_sample(report: Callable[[str], None]) -> Zoo:
    """The models by name: a Llama with its kin, another of the same sizes with none, a BERT with its own."""
    zoo = Zoo(_SEED, report)
    base = found_family(zoo)
    chat = zoo.tune(base, Course(80, 8e-4, domain=1), key="brook-chat")
    recipes = zoo.tune(base, Course(80, 3e-3, domain=2, rank=8), key="brook-recipes")
    zoo.adapt(base, Course(80, 3e-3, domain=3, rank=4), "brook-letters-lora")
    zoo.derive(base, "quantization", "brook-base-int8", layout="compressed-tensors")
    zoo.derive(chat, "prune", "brook-chat-sparse", changes.prune_small(zoo.animals[chat].state, 0.4))
    blend = changes.merge_linear(zoo.animals[chat].state, zoo.animals[recipes].state, 0.5)
    zoo.merge((chat, recipes), "brook-blend", blend)
    zoo.tune(base, Course(80, 8e-4, domain=4), key="quiet-mill")
    zoo.found("delta-base", _LLAMA, _BASIC, dtype="float16")
    zoo.tune(base, Course(80, 8e-4, domain=5), key="delta-notes")
    fern = zoo.found("fern-base", _BERT, _BASIC, dtype="float16")
    zoo.tune(fern, Course(80, 4e-4, domain=1), key="fern-reviews", head="classes")
    zoo.disguise(fern, "moss-base", ("neurons", changes.permute_neurons), ("heads", changes.permute_heads))
    return zoo


def write_sample(zoo: Zoo, folder: Path) -> None:
    """Write every model's files into a folder of its name below `folder`; what lies there stays."""
    for animal in zoo.animals.values():
        _write_animal(folder / animal.key, animal)


def _write_animal(folder: Path, animal: Animal) -> None:
    if animal.pairs:
        base = f"{ORGANISATION}/{animal.parents[0]}"
        write_adapter(folder, animal.pairs, alpha=animal.alpha, base=base, conv1d=False, dtype="float16")
        return
    write_model(folder, animal.spec, animal.state, dtype=animal.dtype, layout=animal.layout)
    write_tokenizer(folder, animal.spec.vocabulary)


def _report(line: str) -> None:
    sys.stderr.write(f"{line}\n")


def main() -> int:
    """Train the sample's models and write them below the folder named, else below the sample's own."""
    require_torch()
    import torch

    default = Path(__file__).parents[2] / "tools" / "data" / "sample" / "models" / ORGANISATION
    torch.set_num_threads(1)
    zoo = build_sample(_report)
    write_sample(zoo, Path(sys.argv[1]) if len(sys.argv) > 1 else default)
    return 0


if __name__ == "__main__":
    sys.exit(main())
