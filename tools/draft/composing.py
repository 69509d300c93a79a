"""Statements for every slot of the template, from evidence alone: sentences of ours, each with its citation.

A slot that nothing supports gets no statement; it is never filled from what similar models say.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from tools.draft.checking import holds
from tools.draft.figures import compose_results, compose_testing, find_log_results
from tools.draft.gathering import Gathered, Known
from tools.draft.passages import quote_slots
from tools.draft.relatives import find_edges
from tools.draft.sections import list_slots
from tools.draft.technical import (
    compose_description,
    compose_procedure,
    compose_regime,
    compose_software,
    compose_specs,
    compose_times,
    compose_tokenizer,
)
from tools.draft.types import SlotDraft, Statement, say
from tools.draft.usage import compose_start, compose_type

Composer = Callable[[Gathered], Iterator[Statement]]


def compose_slots(gathered: Gathered) -> list[SlotDraft]:
    """All slots of the template in order, with what the evidence supports."""
    quoted = quote_slots(gathered)
    slots = []
    for form in list_slots():
        composer = _COMPOSERS.get(form.slot)
        statements = list(composer(gathered)) if composer else []
        texts = {said.text for said in statements}
        statements += [said for said in quoted.get(form.slot, ()) if said.text not in texts]
        if form.label:
            statements = _shorten_label(statements)
        slots.append(SlotDraft(form.slot, form.name, form.path, form.fills, tuple(statements)))
    return slots


def _shorten_label(statements: list[Statement]) -> list[Statement]:
    """A labelled line holds what is the model's own where there is any, and each text once."""
    own = [said for said in statements if not said.inherited_from]
    return list({said.text: said for said in own or statements}.values())


def state_values(known: list[Known], wording: str) -> Iterator[Statement]:
    """One statement for each different value of a topic, with all the places that give it."""
    grouped: dict[str, list[Known]] = {}
    for fact in known:
        grouped.setdefault(fact.shown.casefold(), []).append(fact)
    for facts in grouped.values():
        inherited = facts[0].inherited_from if all(fact.inherited_from for fact in facts) else ""
        shown = facts[0].shown
        said = say(wording, (shown, facts[0].evidence), inherited_from=inherited)
        evidence = tuple(dict.fromkeys(fact.evidence for fact in facts))
        yield replace(said, evidence=evidence)


def _labelled(topic: str, origins: tuple[str, ...] = ()) -> Composer:
    """`origins`: only facts from there; all of them unless given."""

    def compose(gathered: Gathered) -> Iterator[Statement]:
        facts = [fact for fact in gathered.known.get(topic, []) if not origins or fact.origin in origins]
        declared = [fact for fact in facts if fact.origin == "metadata"]
        # Where the metadata tells it, lines of prose that mention it once more add nothing.
        yield from state_values(declared or facts, "{}")

    return compose


def _compose_base(gathered: Gathered) -> Iterator[Statement]:
    edges = find_edges(gathered)
    if not edges:
        yield from state_values(gathered.known.get("base_model", []), "{}")
        return
    for edge in edges:
        named = tuple(item for item in edge.evidence if holds(item, edge.parent))
        if edge.weights == "contradicted":
            declared = tuple(item for item in named if item.kind == "lineage")
            if declared:
                wording = "declared is {}, which the weights of the two contradict"
                yield replace(say(wording, (edge.parent, declared[0])), evidence=declared)
            continue
        if not named:
            continue
        wording = "{}" if edge.declared else "{}, found by weights and not declared"
        yield replace(say(wording, (edge.parent, named[0])), evidence=named)


def _compose_summary(gathered: Gathered) -> Iterator[Statement]:
    model = gathered.subject.record.model
    if (task := gathered.first("task")) is None:
        return
    facts = [(model, task.evidence), (task.shown, task.evidence)]
    library = gathered.first("library")
    if library is None or library.origin == "prose":
        yield say("{} is a model for {}.", *facts)
    else:
        yield say("{} is a model for {}, of the library {}.", *facts, (library.shown, library.evidence))


def _compose_data(gathered: Gathered) -> Iterator[Statement]:
    facts = [fact for fact in gathered.known.get("dataset", []) if fact.origin in ("metadata", "record")]
    yield from state_values(facts, "Datasets named: {}.")


def _compose_metrics(gathered: Gathered) -> Iterator[Statement]:
    yield from compose_testing(gathered, "metrics")


def _compose_testing_data(gathered: Gathered) -> Iterator[Statement]:
    yield from compose_testing(gathered, "data")


def _compose_results(gathered: Gathered) -> Iterator[Statement]:
    yield from compose_results(gathered)
    yield from find_log_results(gathered)


_COMPOSERS: dict[str, Composer] = {
    "model_summary": _compose_summary,
    "model_description": compose_description,
    "developers": _labelled("author", ("metadata", "prose")),
    "shared_by": _labelled("author", ("record",)),
    "model_type": compose_type,
    "language": _labelled("language"),
    "license": _labelled("license"),
    "base_model": _compose_base,
    "get_started_code": compose_start,
    "paper": _labelled("paper"),
    "training_data": _compose_data,
    "training_procedure": compose_procedure,
    "preprocessing": compose_tokenizer,
    "training_regime": compose_regime,
    "speeds_sizes_times": compose_times,
    "testing_data": _compose_testing_data,
    "testing_metrics": _compose_metrics,
    "results": _compose_results,
    "model_specs": compose_specs,
    "software": compose_software,
}
