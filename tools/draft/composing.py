"""Statements for every slot of the template, from evidence alone: sentences of ours, each with its citation.

A slot that nothing supports gets no statement; it is never filled from what similar models say.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from tools.draft.figures import compose_results, compose_testing, find_log_results
from tools.draft.gathering import Gathered, Known
from tools.draft.passages import quote_slots
from tools.draft.relatives import find_edges
from tools.draft.sections import list_slots
from tools.draft.technical import (
    compose_procedure,
    compose_regime,
    compose_software,
    compose_specs,
    compose_times,
    compose_tokenizer,
)
from tools.draft.types import SlotDraft, Statement
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


def state_values(known: list[Known], sentence: str) -> Iterator[Statement]:
    """One statement for each different value of a topic, with all the places that give it."""
    grouped: dict[str, list[Known]] = {}
    for fact in known:
        grouped.setdefault(fact.shown.casefold(), []).append(fact)
    for facts in grouped.values():
        evidence = tuple(dict.fromkeys(fact.evidence for fact in facts))
        inherited = facts[0].inherited_from if all(fact.inherited_from for fact in facts) else ""
        yield Statement(sentence.format(facts[0].shown), evidence, inherited)


def _labelled(topic: str, sentence: str = "{}") -> Composer:
    def compose(gathered: Gathered) -> Iterator[Statement]:
        yield from state_values(gathered.known.get(topic, []), sentence)

    return compose


def _compose_license(gathered: Gathered) -> Iterator[Statement]:
    facts = gathered.known.get("license", [])
    declared = [fact for fact in facts if fact.origin == "metadata"]
    # Where the metadata names the licence, sentences that mention it once more add nothing.
    yield from state_values(declared or facts, "{}")


def _compose_language(gathered: Gathered) -> Iterator[Statement]:
    facts = gathered.known.get("language", [])
    declared = [fact for fact in facts if fact.origin == "metadata"]
    yield from state_values(declared or facts, "{}")


def _compose_base(gathered: Gathered) -> Iterator[Statement]:
    edges = find_edges(gathered)
    if not edges:
        yield from state_values(gathered.known.get("base_model", []), "{}")
        return
    for edge in edges:
        if edge.weights == "contradicted":
            declared = tuple(item for item in edge.evidence if item.kind == "lineage")
            if declared:
                yield Statement(
                    f"declared is {edge.parent}, which the weights of the two contradict", declared
                )
            continue
        how = f" ({edge.relation})" if edge.relation else ""
        found = "" if edge.declared else "found by weights, not declared: "
        yield Statement(f"{found}{edge.parent}{how}", edge.evidence)


def _compose_summary(gathered: Gathered) -> Iterator[Statement]:
    model = gathered.subject.record.model
    task = gathered.first("task")
    if task is not None:
        library = gathered.first("library")
        text = f"{model} is a model for {task.shown}"
        evidence = [task.evidence]
        if library is not None and library.origin != "prose":
            text += f", loaded with {library.shown}"
            evidence.append(library.evidence)
        yield Statement(f"{text}.", tuple(evidence))


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
    "developers": _labelled("author"),
    "model_type": compose_type,
    "language": _compose_language,
    "license": _compose_license,
    "base_model": _compose_base,
    "get_started_code": compose_start,
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
