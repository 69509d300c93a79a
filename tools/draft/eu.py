"""A draft as the EU's Model Documentation Form, which carries what Annex XI and XII of the AI Act ask for.

Each field is filled, inherited or open. Providers of free and open-source models without systemic risk owe
less; the form does not decide who owes what.
Source: Regulation (EU) 2024/1689, Art. 53 and Annexes XI and XII; Code of Practice for general-purpose AI.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from importlib import resources
from typing import Any

from tools.draft.gathering import Gathered
from tools.draft.markdown import NEEDED, render_footnote, render_text
from tools.draft.technical import compose_specs
from tools.draft.types import SlotDraft, Statement, say

_TITLE = "Model Documentation Form (GPAI code of practice; AI Act, Annexes XI and XII)"


def render_eu(gathered: Gathered, slots: Sequence[SlotDraft]) -> dict[str, Any]:
    """The form as a JSON object: `fields` in order, each with status, statements and evidence keys."""
    return {
        "form": _TITLE,
        "model": gathered.subject.record.model,
        "revision": gathered.subject.record.revision,
        "fields": [
            {
                "id": field["id"],
                "name": field["name"],
                "annex": field["annex"],
                "status": _judge(statements),
                "value": [
                    {
                        "text": said.text,
                        "inherited_from": said.inherited_from or None,
                        "evidence": [item.id for item in said.evidence],
                    }
                    for said in statements
                ],
                "fills": None if statements else field["fills"],
            }
            for field, statements in fill_fields(gathered, slots)
        ],
    }


def render_eu_text(gathered: Gathered, slots: Sequence[SlotDraft]) -> str:
    """The form in Markdown, with footnotes."""
    lines = [f"# {_TITLE}", "", f"Model: {gathered.subject.record.source}", ""]
    used: set[str] = set()
    for field, statements in fill_fields(gathered, slots):
        lines += [
            f"## {field['id']} {field['name']}",
            "",
            f"*Annex {field['annex']}; {_judge(statements)}.*",
            "",
        ]
        lines += render_text(statements) if statements else [f"{NEEDED} (would fill it: {field['fills']})"]
        lines.append("")
        used |= {item.id for said in statements for item in said.evidence}
    lines += ["---", "", *(render_footnote(item) for item in gathered.ledger if item.id in used)]
    return "\n".join(lines).strip() + "\n"


def fill_fields(
    gathered: Gathered, slots: Sequence[SlotDraft]
) -> list[tuple[dict[str, Any], tuple[Statement, ...]]]:
    """Each field of the form with its statements."""
    by_name = {slot.slot: slot for slot in slots}
    filled = []
    for field in list_fields():
        if composer := _COMPOSERS.get(field.get("from", "")):
            statements = list(composer(gathered))
        else:
            statements = [said for name in field["slots"] for said in by_name[name].statements]
        filled.append((field, tuple(statements)))
    return filled


@lru_cache(maxsize=1)
def list_fields() -> tuple[dict[str, Any], ...]:
    """The fields of the form."""
    text = resources.files("tools.draft").joinpath("eu.toml").read_text("utf-8")
    return tuple(tomllib.loads(text)["field"])


def _judge(statements: Sequence[Statement]) -> str:
    if not statements:
        return "open"
    return "inherited" if all(said.inherited_from for said in statements) else "filled"


def _name_model(gathered: Gathered) -> Iterator[Statement]:
    """The name stands in every evidence of the model's own; the first of it is cited."""
    subject = gathered.subject
    own = next((item for item in gathered.ledger if item.source == subject.record.source), None)
    if own is not None:
        yield say("{}, revision " + subject.record.revision, (subject.record.model, own))


def _hash_weights(gathered: Gathered) -> Iterator[Statement]:
    for known in gathered.known.get("weights_hash", ()):
        path, digest = known.value
        yield say("{}: sha256 {}", (path, known.evidence), (digest, known.evidence))


def _date_release(gathered: Gathered) -> Iterator[Statement]:
    for known in gathered.known.get("created_at", ())[:1]:
        yield say("First published {}.", (known.shown, known.evidence))


def _state_architecture(gathered: Gathered) -> Iterator[Statement]:
    base = gathered.inherited.get("config.json")
    inherited = base.subject.record.model if base is not None else ""
    for key, wording in (
        ("architectures", "Its architecture is {}."),
        ("model_type", "It is of the type {}."),
    ):
        if found := (base or gathered).find("config.json", key):
            yield say(wording, (found[0].shown, found[1]), inherited_from=inherited)


def _state_inputs(gathered: Gathered) -> Iterator[Statement]:
    if task := gathered.first("task"):
        yield say("The task is {}.", (task.shown, task.evidence))
    for file, key, wording in (
        ("config.json", "max_position_embeddings", "At most {} positions."),
        ("tokenizer_config.json", "model_max_length", "At most {} tokens."),
        ("config.json", "image_size", "Images of the size {}."),
        ("preprocessor_config.json", "sampling_rate", "Sound at a sampling rate of {}."),
    ):
        if (found := gathered.find(file, key)) and isinstance(found[0].value, (int, str)):
            yield say(wording, (found[0].shown, found[1]))


def _count_parameters(gathered: Gathered) -> Iterator[Statement]:
    for known in (*gathered.known.get("header", ()), *gathered.known.get("adapter_header", ())):
        yield say(
            "{} parameters, by the headers of its weights.",
            (f"{sum(known.value.values()):,}", known.evidence),
        )
        return
    for said in compose_specs(gathered):
        if said.text.startswith("Parameters, as stated"):
            yield said


def _state_log(wording: str, *keys: str) -> Callable[[Gathered], Iterator[Statement]]:
    def compose(gathered: Gathered) -> Iterator[Statement]:
        for file in ("all_results.json", "train_results.json", "trainer_state.json"):
            if found := gathered.find(file, *keys):
                yield say(wording, (found[0].shown, found[1]))
                return

    return compose


_COMPOSERS: dict[str, Callable[[Gathered], Iterator[Statement]]] = {
    "name": _name_model,
    "hashes": _hash_weights,
    "released": _date_release,
    "architecture": _state_architecture,
    "inputs": _state_inputs,
    "parameters": _count_parameters,
    "samples": _state_log("{} training samples.", "train_samples"),
    "flos": _state_log("{} floating-point operations, as the trainer counted them.", "total_flos"),
    "runtime": _state_log("{} seconds.", "train_runtime"),
}
