"""Building a zoo: models that know their parents, and the truth that a recovery is measured against."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from eval.zoo.layouts import (
    Dtype,
    Layout,
    Pairs,
    even_dates,
    round_state,
    write_adapter,
    write_json,
    write_model,
    write_tokenizer,
)
from eval.zoo.networks import Spec
from eval.zoo.text import spell_word
from eval.zoo.training import Course, State, Trained, train_network
from eval.zoo.truth import TRUTH_FILE

Claim = Literal["true", "false", "grandparent", "reversed", "absent"]


@dataclass(slots=True)
class Animal:
    """A model of the zoo. `key` says what it is, for the truth only; its folder has another name."""

    key: str
    family: str
    spec: Spec
    state: State
    parents: tuple[str, ...] = ()
    relation: str = ""
    dtype: Dtype = "float32"
    layout: Layout = "plain"
    disguises: tuple[str, ...] = ()
    pairs: Pairs = field(default_factory=dict)
    alpha: float = 8.0
    claim: Claim = "absent"
    claimed: tuple[str, ...] = ()
    is_stored: bool = True
    losses: tuple[float, float] | None = None
    tokenizer: Path | None = None
    student_of: str = ""


class Zoo:
    """Models by key, in the order they came to be."""

    def __init__(self, seed: int, report: Callable[[str], None]) -> None:
        """`report` is told of every model as it is made."""
        self.seed = seed
        self.animals: dict[str, Animal] = {}
        self._report = report
        self._course_seed = seed * 1000

    def draw_rng(self) -> np.random.Generator:
        """A generator of random numbers for the next step."""
        self._course_seed += 1
        return np.random.default_rng([self.seed, self._course_seed])

    def add(self, animal: Animal) -> str:
        """Keep a model, with its values as they are once stored; its key."""
        assert animal.key not in self.animals
        animal.state = round_state(animal.state, animal.dtype)
        self.animals[animal.key] = animal
        losses = f", loss {animal.losses[0]:.2f} to {animal.losses[1]:.2f}" if animal.losses else ""
        self._report(f"{animal.key}{losses}")
        return animal.key

    def train(self, spec: Spec, course: Course, start: State | None = None, **teacher: Any) -> Trained:
        """Train with a seed of its own."""
        self._course_seed += 1
        return train_network(spec, replace(course, seed=self._course_seed), start, **teacher)

    def found(self, key: str, spec: Spec, course: Course, **more: Any) -> str:
        """A model of a family of its own, trained from fresh weights."""
        trained = self.train(spec, course)
        losses = (trained.first_loss, trained.last_loss)
        return self.add(Animal(key, key, spec, trained.state, losses=losses, **more))

    def tune(
        self, parent: str, course: Course, *, head: Any = None, disguise: Any = None, **more: Any
    ) -> str:
        """A fine-tune of `parent`, or the weights with LoRA merged where the course has a rank. A `disguise`
        (name, function) changes the weights before; `head` replaces the head."""
        origin = self.animals[parent]
        spec, state = origin.spec, origin.state
        if head:
            spec = replace(spec, head=head)
            state = {name: values for name, values in state.items() if not name.startswith("cls.")}
        disguises: tuple[str, ...] = ()
        if disguise:
            state, disguises = disguise[1](spec, state, self.draw_rng()), (disguise[0],)
        trained = self.train(spec, course, state)
        relation = "lora" if course.rank else "finetune"
        key = more.pop("key", f"{parent}+{relation}")
        losses = (trained.first_loss, trained.last_loss)
        more = {"dtype": origin.dtype, "tokenizer": origin.tokenizer} | more
        return self.add(
            Animal(
                key, origin.family, spec, trained.state, (parent,), relation,
                disguises=disguises, losses=losses, **more,
            )
        )  # fmt: skip

    def adapt(self, parent: str, course: Course, key: str) -> str:
        """A LoRA adapter in a repository of its own."""
        origin = self.animals[parent]
        trained = self.train(origin.spec, course, origin.state)
        losses = (trained.first_loss, trained.last_loss)
        return self.add(
            Animal(
                key, origin.family, origin.spec, trained.state, (parent,), "adapter",
                pairs=trained.pairs, alpha=course.alpha, losses=losses,
            )
        )  # fmt: skip

    def derive(self, parent: str, relation: str, key: str, state: State | None = None, **more: Any) -> str:
        """A model made of `parent` without training."""
        origin = self.animals[parent]
        more = {"dtype": origin.dtype, "spec": origin.spec, "tokenizer": origin.tokenizer} | more
        spec = more.pop("spec")
        values = dict(origin.state) if state is None else state
        return self.add(Animal(key, origin.family, spec, values, (parent,), relation, **more))

    def disguise(self, parent: str, key: str, *steps: Any, **more: Any) -> str:
        """A copy of `parent` changed by (name, function) pairs that leave its function as it was."""
        origin = self.animals[parent]
        state = origin.state
        for _, step in steps:
            state = step(origin.spec, state, self.draw_rng())
        names = tuple(name for name, _ in steps)
        return self.derive(parent, "duplicate", key, state, disguises=names, **more)

    def merge(self, parents: Sequence[str], key: str, state: State, **more: Any) -> str:
        """A merge of several models, `state` being what came of it."""
        origin = self.animals[parents[0]]
        return self.add(
            Animal(
                key, origin.family, origin.spec, state, tuple(parents), "merge", dtype=origin.dtype, **more
            )
        )

    # -- writing -----------------------------------------------------------------------------------

    def write(self, root: Path) -> dict[str, Any]:
        """Write every model's folder and `truth.json` below `root`; the truth."""
        stored = [animal for animal in self.animals.values() if animal.is_stored]
        names = self._draw_names([animal.key for animal in stored])
        root.mkdir(parents=True, exist_ok=True)
        for animal in stored:
            self._write_animal(root / names[animal.key], animal, names)
        truth = self._tell_truth(stored, names)
        even_dates(root)
        write_json(root / TRUTH_FILE, truth)
        return truth

    def _write_animal(self, folder: Path, animal: Animal, names: dict[str, str]) -> None:
        claimed = [names[key] for key in animal.claimed]
        if animal.pairs:
            base = claimed[0] if claimed else "unknown"
            conv1d = animal.spec.architecture == "gpt2"
            write_adapter(folder, animal.pairs, alpha=animal.alpha, base=base, conv1d=conv1d)
        else:
            write_model(folder, animal.spec, animal.state, dtype=animal.dtype, layout=animal.layout)
            if animal.tokenizer:
                (folder / "tokenizer.json").write_bytes(animal.tokenizer.read_bytes())
            elif animal.layout != "gguf":
                write_tokenizer(folder, animal.spec.vocabulary)
        lines = [f"  - {name}" for name in claimed]
        declared = "\n".join(["base_model:", *lines, ""]) if lines else ""
        title = folder.name.replace("-", " ").capitalize()
        card = f"---\nlicense: apache-2.0\n{declared}---\n\n# {title}\n\nA small model.\n"
        (folder / "README.md").write_text(card, encoding="utf-8")

    def _draw_names(self, keys: Sequence[str]) -> dict[str, str]:
        rng = np.random.default_rng([self.seed, 99])
        numbers: NDArray[np.int64] = rng.choice(50_000, 2 * len(keys), replace=False) + 1_000
        words = [spell_word(int(number)) for number in numbers]
        return {key: f"{words[2 * at]}-{words[2 * at + 1]}" for at, key in enumerate(keys)}

    def _tell_truth(self, stored: Sequence[Animal], names: dict[str, str]) -> dict[str, Any]:
        families: dict[str, list[str]] = {}
        edges = []
        declared = []
        for animal in stored:
            families.setdefault(animal.family, []).append(names[animal.key])
            for parent in animal.parents:
                if self.animals[parent].is_stored:
                    edge = {"parent": names[parent], "child": names[animal.key]}
                    edges.append(edge | {"relation": animal.relation, "directed": _is_directed(animal)})
            for parent in animal.claimed:
                said = {"child": names[animal.key], "parent": names[parent], "kind": animal.claim}
                declared.append(said | {"verdict": self._judge_claim(animal, parent)})
        models = {
            names[animal.key]: {
                "key": animal.key,
                "family": animal.family,
                "relation": animal.relation or None,
                "disguises": list(animal.disguises),
                "dtype": animal.dtype,
                "layout": "adapter" if animal.pairs else animal.layout,
                "is_adapter": bool(animal.pairs),
                "is_student": bool(animal.student_of),
                "loss": animal.losses,
            }
            for animal in stored
        }
        return {
            "seed": self.seed,
            "models": dict(sorted(models.items())),
            "families": sorted(map(sorted, families.values())),
            "edges": edges,
            "declared": declared,
        }

    def _judge_claim(self, animal: Animal, parent: str) -> str:
        """What an honest judge says of `parent` being declared. An adapter's weights do not tell its base."""
        if animal.pairs:
            return "unverifiable"
        return "supported" if parent in self.list_ancestors(animal.key) else "contradicted"

    def list_ancestors(self, key: str) -> list[str]:
        """The keys of all models that `key` comes from, nearest first."""
        found: list[str] = []
        waiting = list(self.animals[key].parents)
        while waiting:
            parent = waiting.pop(0)
            if parent not in found:
                found.append(parent)
                waiting.extend(self.animals[parent].parents)
        return found


def _is_directed(animal: Animal) -> bool:
    """Whether the weights could tell parent from child: of two that compute the same, either may be first."""
    return animal.relation != "duplicate"
