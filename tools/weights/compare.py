"""Two models held against each other by their weights: `compare_weights`."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from tools.weights.adapters import find_lora_pairs, name_base
from tools.weights.align import Alignment, align_models, find_obstacle
from tools.weights.align_reasons import describe_layers, explain_alignment, explain_failure, is_rescaled_copy
from tools.weights.comparison import Direction, Relation, Verdict, WeightComparison, WeightFact
from tools.weights.difference import TensorDifference, iter_differences
from tools.weights.direction import DirectionJudgement, judge_direction
from tools.weights.errors import WeightsError
from tools.weights.independence import to_log10
from tools.weights.neurons import LayerTest, check_layers, join_tests
from tools.weights.pairing import Pairing, pair_tensors
from tools.weights.recorded import RecordedWeights
from tools.weights.relation import RelationJudgement, judge_relation
from tools.weights.sampling import is_small
from tools.weights.turned import turn_like
from tools.weights.types import Weights

Progress = Callable[[int, int, str], None]  # done, of how many, what

# Models are called related below the first, unrelated above the second; between them nothing is claimed.
# The first is divided by the number of pairs tested (Bonferroni): a whole lake errs as rarely as one pair.
RELATED_LOG10 = -6.0
UNRELATED_LOG10 = -3.0
# Related models of which a part is this far apart may have moved scales or heads: neither shows in the order
# of neurons.
_RESCALED = 0.15
_UPPER = 0.8
_STRONGEST = 2  # layers of the test that are cited
_HASHED_BYTES = 2**25  # larger tensors are not cited: their bytes would be hashed for it
_NAMED = 3
_UNREAD = "Nothing was compared but the tensors' names and shapes."


@dataclass(slots=True)
class _Finding:
    """What is known so far of a pair of models."""

    verdict: Verdict = "incomparable"
    relation: Relation | None = None
    direction: Direction = "unknown"
    direction_reason: str = ""
    confidence: float = 0.0
    direction_confidence: float = 0.0
    log_p: float | None = None
    reasons: list[str] = field(default_factory=list)
    facts: list[WeightFact] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    differences: list[TensorDifference] = field(default_factory=list)
    moved: tuple[str, ...] = ()  # what was put back before the two were compared
    looked: list[str] = field(default_factory=list)  # what is said of that
    is_open: bool = False  # a common origin is not excluded, though the test shows none
    repeated: tuple[int, int] = (0, 0)  # layers of A and of B that are copies of one that is there already


def compare_weights(
    a: Weights, b: Weights, *, full: bool = False, progress: Progress | None = None, pairs_tested: int = 1
) -> WeightComparison:
    """Whether and how the weights of B are related to those of A, and how far they are apart.

    The p-value is exact under "trained independently" (see `tools.weights.independence`). `full` reads every
    row; else some rows of every tensor are, and small models whole. `pairs_tested`: of how many pairs this
    is one; the bar for "related" rises with it. Raises WeightsError when a file cannot be read.
    """
    started = time.perf_counter()
    read_before = a.bytes_read + b.bytes_read
    x, y = RecordedWeights(a), RecordedWeights(b)
    finding = _Finding(problems=[*getattr(a, "problems", ()), *getattr(b, "problems", ())])
    if a.adapter is not None or b.adapter is not None:
        _compare_adapters(x, y, finding, full=full, progress=progress)
    else:
        _compare_models(x, y, finding, full=full, progress=progress, pairs_tested=pairs_tested)
    log10 = to_log10(finding.log_p) if finding.log_p is not None else None
    return WeightComparison(
        a=a.name,
        b=b.name,
        verdict=finding.verdict,
        relation=finding.relation,
        direction=finding.direction,
        p_value=None if log10 is None else 10.0**log10 if log10 > -300 else 0.0,
        log10_p=log10,
        layers=tuple(found.shown for found in finding.differences),
        reasons=tuple(finding.reasons),
        facts=tuple(finding.facts),
        confidence=finding.confidence,
        direction_confidence=finding.direction_confidence,
        direction_reason=finding.direction_reason,
        problems=tuple(finding.problems),
        bytes_read=a.bytes_read + b.bytes_read - read_before,
        bytes_total=a.bytes_total + b.bytes_total,
        seconds=time.perf_counter() - started,
        aligned=bool(finding.moved),
    )


def _compare_models(
    a: RecordedWeights,
    b: RecordedWeights,
    finding: _Finding,
    *,
    full: bool,
    progress: Progress | None,
    pairs_tested: int,
) -> None:
    shown = turn_like(a, b)
    pairing = pair_tensors(a.tensors, shown.tensors)
    tests = list(check_layers(a, shown, pairing))
    whole = full or is_small(a, b)
    bar = math.log10(pairs_tested) if pairs_tested > 1 else 0.0
    finding.differences = list(iter_differences(a, shown, pairing, full=whole, progress=progress))
    found = _look_aligned(
        a, shown, pairing, tests, finding, bar=RELATED_LOG10 - bar, whole=whole, progress=progress
    )
    if found is not None:
        shown, pairing = found.weights, found.pairing
        tests = list(check_layers(a, shown, pairing))
    finding.problems += _find_bad_values(finding.differences)
    if tests:
        finding.log_p = min(0.0, join_tests(tests) + (math.log(2) if finding.moved else 0.0))
    if not finding.moved and _is_identical(a, b, pairing, finding.differences):
        _call_identical(a, b, finding, whole=whole)
        return
    if not tests:
        finding.reasons.append(_explain_untestable(a, b, pairing))
        return
    log10 = to_log10(finding.log_p or 0.0)
    if log10 <= RELATED_LOG10 - bar:
        finding.verdict = "related"
    elif log10 > UNRELATED_LOG10 and not finding.is_open:
        finding.verdict = "unrelated"
    explained = [_explain_test(tests, log10, finding), *finding.looked]
    finding.reasons += explained[::-1] if finding.is_open else explained
    if finding.verdict == "related":
        _judge(a, shown, pairing, finding)
    elif finding.verdict == "unrelated":
        finding.direction = "none"
    finding.reasons += _explain_distance(finding.differences)
    _cite(a, b, tests, log10, finding)


def _judge(a: Weights, b: Weights, pairing: Pairing, finding: _Finding) -> None:
    """What relation it is, and which of the two came first."""
    judged = judge_relation(a, b, pairing, finding.differences)
    if judged.relation == "finetune" and is_rescaled_copy(a, b, finding.differences, finding.moved):
        judged = RelationJudgement("duplicate", 0.8, ("No tensor differs by more than rounding.",))
    finding.relation, finding.confidence = judged.relation, judged.confidence
    finding.reasons += judged.reasons
    directed = judge_direction(a, b, pairing, finding.differences, judged.relation)
    in_a, in_b = finding.repeated
    if judged.relation == "depth-change" and bool(in_a) != bool(in_b):
        reason = "Some layers of the deeper one are copies of others, which training never makes."
        directed = DirectionJudgement("a_to_b" if in_b else "b_to_a", 0.9, reason)
    finding.direction, finding.direction_confidence = directed.direction, directed.confidence
    finding.direction_reason = directed.reason


def _look_aligned(
    a: Weights,
    b: Weights,
    pairing: Pairing,
    tests: list[LayerTest],
    finding: _Finding,
    *,
    bar: float,
    whole: bool,
    progress: Progress | None,
) -> Alignment | None:
    """B in A's frame when that shows more than B as it stands, with its differences in `finding`; else None.

    Looked for where neurons match no better than by chance, where layers are missing on one side, and where
    relatives are so far apart that moved scales may be the reason. `bar`: log10 of the p-value below which
    two models are related.
    """
    is_related = bool(tests) and to_log10(join_tests(tests)) <= bar
    distances = _list_distances(finding.differences)
    is_deep = pairing.layers_a != pairing.layers_b
    is_near = not distances or distances[int(_UPPER * len(distances))] <= _RESCALED
    if not (tests or is_deep) or (is_related and is_near and not is_deep):
        return None
    alignment = align_models(a, b, pairing, small=whole, progress=progress)
    chosen = None
    if alignment is not None and (alignment.moved or alignment.layers.is_moved):
        again = list(check_layers(a, alignment.weights, alignment.pairing))
        # Two looks at one pair: each must pass for half of what one would have.
        if again and to_log10(join_tests(again)) + math.log10(2) <= bar:
            nearer = list(iter_differences(a, alignment.weights, alignment.pairing, full=whole))
            if not is_related or sum(_list_distances(nearer)) < sum(distances) / 2:
                chosen, finding.differences = alignment, nearer
                finding.moved = (*alignment.moved, *(["layers"] if alignment.layers.is_moved else []))
    if not is_related and chosen is None:
        obstacle = find_obstacle(a, b, pairing, small=whole)
        finding.is_open = obstacle == "bytes" or (alignment is not None and alignment.is_anchored)
        finding.looked = explain_failure(alignment, obstacle)
    elif chosen is not None:
        finding.looked = explain_alignment(finding.moved)
    if alignment is not None and (is_related or chosen is not None):
        finding.looked += describe_layers(alignment.layers, a.name, b.name)
        finding.repeated = (len(alignment.layers.repeated_a), len(alignment.layers.repeated))
    return chosen


def _list_distances(differences: Sequence[TensorDifference]) -> list[float]:
    """The relative L2 of all tensors, ascending."""
    return sorted(found.shown.relative_l2 for found in differences if found.shown.relative_l2 is not None)


def _is_identical(a: Weights, b: Weights, pairing: Pairing, differences: Sequence[TensorDifference]) -> bool:
    """Every tensor there on both sides, of the same dtype and shape, and equal wherever it was read."""
    compared = {found.pair.a for found in differences if found.sums.is_equal}
    return (
        bool(compared)
        and not (pairing.only_a or pairing.only_b)
        and all(
            pair.fit == "same"
            and a.tensors[pair.a].dtype == b.tensors[pair.b].dtype
            and (pair.a in compared or 0 in a.tensors[pair.a].shape)
            for pair in pairing.pairs
        )
    )


def _call_identical(a: RecordedWeights, b: RecordedWeights, finding: _Finding, *, whole: bool) -> None:
    finding.verdict, finding.relation, finding.direction = "identical", "duplicate", "none"
    finding.confidence = 1.0 if whole else 0.97
    finding.direction_confidence = 1.0
    finding.direction_reason = "Equal weights have no order: which of them was there first, they do not tell."
    values = sum(found.sums.count for found in finding.differences)
    what = "every value" if whole else f"every one of the {values:,} values that were sampled"
    text = f"All {len(finding.differences):,} tensors have the same shapes and dtypes, and {what} is equal."
    finding.reasons.append(text)
    largest = max(finding.differences, key=lambda found: found.sums.count).pair
    finding.facts += [a.cite(largest.a, text), b.cite(largest.b, text)]


def _find_bad_values(differences: Sequence[TensorDifference]) -> list[str]:
    bad = [found.pair.a for found in differences if not math.isfinite(found.sums.aa + found.sums.bb)]
    if not bad:
        return []
    return [f"{_name_some(bad)} hold NaN or infinite values in one of the models; they were not measured."]


def _name_some(names: Sequence[str]) -> str:
    shown = ", ".join(repr(name) for name in names[:_NAMED])
    return f"{shown} and {len(names) - _NAMED} more" if len(names) > _NAMED else shown


def _explain_untestable(a: Weights, b: Weights, pairing: Pairing) -> str:
    if not pairing.pairs:
        return (
            f"No tensor of {a.name!r} has a counterpart in {b.name!r}: the names have nothing in common, "
            "so that nothing can be held against anything."
        )
    if not pairing.alike:
        sizes = [pair for pair in pairing.pairs if pair.fit == "other"] or list(pairing.pairs)
        first = sizes[0]
        return (
            f"The tensors have different shapes ({first.a!r}: {a.tensors[first.a].shape} against "
            f"{b.tensors[first.b].shape}), so that they cannot be laid over each other. {_UNREAD}"
        )
    return (
        "The two share no layer whose neurons could be matched (at least 8 that are not zero in both), "
        "so that a common origin can neither be shown nor excluded."
    )


def describe_p(log10: float) -> str:
    """A p-value for a person: "p = 0.31", "p = 10^-274"."""
    return f"p = {10.0**log10:.2g}" if log10 > -4 else f"p = 10^{log10:,.0f}"


def _explain_test(tests: Sequence[LayerTest], log10: float, finding: _Finding) -> str:
    found, of = sum(test.found for test in tests), sum(test.of for test in tests)
    layers = f"{len(tests)} layers" if len(tests) > 1 else "1 layer"
    partner = "their counterpart" if finding.moved else "the neuron of the same number"
    counted = f"{found:,} of {of:,} neurons sampled from {layers} match {partner}"
    verdict = finding.verdict
    if verdict == "related":
        return (
            f"{counted}. Independent training puts neurons in a random order, so that chance gives about "
            f"one in each layer ({describe_p(log10)}): the two have a common origin."
        )
    if finding.is_open:
        return f"{counted}, as many as chance gives ({describe_p(log10)}), while both are left as they stand."
    if verdict == "unrelated":
        return (
            f"{counted}, as many as chance gives where two models were trained independently "
            f"({describe_p(log10)}). Equal shapes or an equal configuration are no sign of a common origin."
        )
    return (
        f"{counted}: more than chance usually gives, but too few to be sure ({describe_p(log10)}). "
        "No common origin is claimed."
    )


def _explain_distance(differences: Sequence[TensorDifference]) -> list[str]:
    known = [
        (found.shown.relative_l2, found.shown.cosine, found.pair.a)
        for found in differences
        if found.shown.relative_l2 is not None and found.shown.cosine is not None
    ]
    if not known:
        return []
    equal = sum(1 for distance, _, _ in known if distance == 0.0)
    most, cosine, name = max(known)
    text = f"The two differ most in {name!r} (relative L2 {most:.3g}, cosine {cosine:.4f})"
    if equal:
        text += f"; {equal:,} of {len(known):,} tensors are equal in all that was read"
    return [f"{text}."]


def _cite(
    a: RecordedWeights, b: RecordedWeights, tests: Sequence[LayerTest], log10: float, finding: _Finding
) -> None:
    """Facts on both models: the layers that speak loudest in the test, and the tensor most changed."""
    texts: list[tuple[str, str, str]] = []
    partner = "their counterpart" if finding.moved else "the neuron of the same number"
    for test in sorted(tests, key=lambda test: test.log_p)[:_STRONGEST]:
        text = (
            f"{test.found} of {test.of} sampled neurons of {test.pair.a} match {partner} "
            f"in the other model; over all {len(tests)} layers tested {describe_p(log10)} for "
            "independent training."
        )
        texts.append((test.pair.a, test.pair.b, text))
    known = [
        found
        for found in finding.differences
        if found.shown.relative_l2 is not None and a.tensors[found.pair.a].nbytes <= _HASHED_BYTES
    ]
    if known:
        most = max(known, key=lambda found: found.shown.relative_l2 or 0.0)
        text = (
            f"{most.pair.a}: relative L2 {most.shown.relative_l2:.4g}, cosine {most.shown.cosine or 0.0:.5f} "
            f"over {most.shown.rows:,} of {most.shown.of_rows:,} rows."
        )
        texts.append((most.pair.a, most.pair.b, text))
    jobs = [job for first, second, text in texts for job in ((a, first, text), (b, second, text))]
    with ThreadPoolExecutor(2) as pool:  # hashing lets go of the interpreter's lock
        finding.facts += pool.map(lambda job: job[0].cite(job[1], job[2]), jobs)


def _compare_adapters(
    a: RecordedWeights, b: RecordedWeights, finding: _Finding, *, full: bool, progress: Progress | None
) -> None:
    if a.adapter is not None and b.adapter is not None:
        pairing = pair_tensors(a.tensors, b.tensors)
        whole = full or is_small(a, b)
        finding.differences = list(iter_differences(a, b, pairing, full=whole, progress=progress))
        finding.problems += _find_bad_values(finding.differences)
        if _is_identical(a, b, pairing, finding.differences):
            _call_identical(a, b, finding, whole=whole)
        else:
            finding.reasons.append(
                "Both are adapters: they hold only what is added to a base model, and what two of them share "
                "does not show that one comes from the other."
            )
        return
    adapter, base, is_forward = (b, a, True) if b.adapter is not None else (a, b, False)
    try:
        pairs = find_lora_pairs(adapter)
    except WeightsError as error:
        finding.problems.append(str(error))
        pairs = {}
    if not pairs:
        finding.reasons.append(
            f"{adapter.name!r} is an adapter without low-rank matrices that are known here: "
            "it cannot be laid over a model."
        )
        return
    bare = {_strip(name): info.shape for name, info in base.tensors.items()}
    unfit = [
        target
        for target, pair in pairs.items()
        if (shape := bare.get(_strip(target))) is None
        or sorted(shape) != sorted((adapter.tensors[pair.b].shape[0], adapter.tensors[pair.a].shape[-1]))
    ]
    if unfit:
        finding.reasons.append(
            f"The adapter {adapter.name!r} does not fit {base.name!r}: {_name_some(unfit)} "
            f"{'are' if len(unfit) > 1 else 'is'} missing there or of another shape."
        )
        return
    finding.reasons.append(
        f"The adapter {adapter.name!r} fits {base.name!r} in all {len(pairs)} places it changes, as it would "
        "fit any model of these shapes: whether it was trained on this one, its weights do not tell."
    )
    try:
        named = name_base(adapter.adapter or {})
    except WeightsError:
        return
    if named.rstrip("/").rpartition("/")[2].lower() == base.name.rpartition("/")[2].lower():
        finding.relation, finding.confidence = "adapter", 0.5
        finding.direction = "a_to_b" if is_forward else "b_to_a"
        finding.direction_confidence = 0.5
        finding.direction_reason = "An adapter is made for a base model, never the other way."
        finding.reasons.append(f"Its configuration names {named!r} as its base.")


def _strip(name: str) -> str:
    """A tensor's name without the prefixes by which heads and bare models differ."""
    for prefix in ("base_model.model.", "model.", "transformer.", "bert.", "roberta.", "gpt_neox."):
        name = name.removeprefix(prefix)
    return name
