"""What a card claims, line by line, and what another place says to each claim.

A claim is held against other places only: metadata against prose, prose against configuration and the headers
of the weights, a declared parent against lineage. What no other place speaks of is unverifiable.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

from tools.audit.results import judge_results
from tools.audit.sentences import read_datasets, read_languages, read_licences
from tools.audit.sizes import judge_sizes
from tools.audit.subject import MOST_FACTS, AuditSubject
from tools.audit.types import Claim
from tools.audit.values import (
    find_languages,
    find_licence_names,
    is_placeholder,
    read_language_codes,
    same_dataset,
    same_licence,
    same_model,
)
from tools.cards.metrics import KNOWN_DATASET
from tools.cards.types import DeclaredParent, Passage
from tools.draft.gathering import Known
from tools.evidence import Evidence
from tools.facts import show_value

_MOST_EVIDENCE = 20  # for one claim
_ABOUT_OTHER = re.compile(
    r"\b(?:data ?sets?|corpus|corpora|code|scripts?|documentation|images?|annotations?|paper|text|base model"
    r"|original|library|repository|space|tokenizer|if you|not|unlike|except|third[- ]party)\b",
    re.IGNORECASE,
)
_ALL_OF_IT = re.compile(
    r"\b(?:everything|all (?:files|contents?|of it)|(?:code|repository) and (?:the )?(?:model|weights)"
    r"|(?:model|weights) and (?:the )?code)\b",
    re.IGNORECASE,
)
_SNIPPET = re.compile(
    r"(?:from_pretrained|SentenceTransformer|CrossEncoder|hf_hub_download|snapshot_download|load_model|from_hparams"
    r"|from_hub|load_from_hub|from_pretrained_keras|create_model|pretrained|SetFitModel|LLM|pipeline)\s*\(\s*"
    r"(?:repo_id\s*=\s*|model(?:_name(?:_or_path)?)?\s*=\s*|source\s*=\s*)?"
    r"[\"'](?P<id>[\w.-]{1,96}/[\w.-]{1,96})[\"']"
    r"|\bpipeline\s*\(\s*(?:task\s*=\s*)?[\"'][\w-]{2,40}[\"']\s*,\s*[\"'](?P<second>[\w.-]{1,96}/[\w.-]{1,96})[\"']"
    r"|\b(?:huggingface-cli download|hf download|vllm serve|ollama run"
    r"|--model(?:[-_](?:id|name_or_path|path))?|git (?:lfs )?clone https?://(?:huggingface\.co|hf\.co)/(?!datasets/|spaces/)"
    r"|ollama pull)[ =]?"
    r"(?:hf\.co/)?(?P<typed>[A-Za-z][\w.-]{0,96}/[A-Za-z][\w.-]{1,96})"
    r"|\bmodel(?:_id|_name|_path|_name_or_path|_checkpoint)?\s*=\s*[\"'](?P<named>[\w.-]{1,96}/[\w.-]{1,96})[\"']"
)


_MOST_SNIPPETS = 200
_TESTED = re.compile(r"\b(?:evaluat|test)", re.IGNORECASE)


def extract_claims(subject: AuditSubject) -> list[Claim]:
    """All claims of a card with their verdicts, in the order of their lines."""
    claims = [
        *_judge_licences(subject),
        *_judge_languages(subject),
        *_judge_datasets(subject),
        *_judge_parents(subject),
        *judge_sizes(subject),
        *_judge_snippets(subject),
        *judge_results(subject),
        *_state_rest(subject),
    ]
    return sorted(claims, key=lambda claim: (claim.line, claim.kind, claim.text))


def _judge_pair(
    kind: str,
    first: tuple[Known, int],
    others: list[tuple[Known, int]],
    verdicts: list[bool | None],
    what: str,
) -> Claim:
    """A claim held against `others`: True supports, False contradicts, None says nothing to it."""
    known, line = first
    told = list(zip(others, verdicts, strict=True))
    for verdict, answer in (("contradicted", False), ("supported", True)):
        hits = [other for (other, _), said in told if said is answer]
        if hits and not (answer is False and any(said is True for said in verdicts)):
            return Claim(
                kind,
                known.evidence.text,
                line,
                known.shown,
                verdict,  # type: ignore[arg-type]
                tuple(hit.evidence for hit in hits[:_MOST_EVIDENCE]),
                f"{what} {known.shown!r} here, {hits[0].shown[:160]!r} at {hits[0].evidence.locator}",
            )
    return Claim(kind, known.evidence.text, line, known.shown)


def _judge_licences(subject: AuditSubject) -> Iterator[Claim]:
    metadata = subject.facts("license", "metadata")
    prose = [item for item in subject.facts("license", "prose") if find_licence_names(item[0].shown)]
    own = [item for item in prose if not _ABOUT_OTHER.search(item[0].evidence.text)]
    own = _join(own, [item for item in read_licences(subject) if _is_of_model(item[0].shown)])
    tags = [
        Known("license", tag.partition(":")[2], "record", item)
        for tag in subject.record.tags
        if tag.startswith("license:") and (item := _cite_tag(subject, tag))
    ]
    others = own + [(tag, 0) for tag in tags]
    for first in metadata:
        yield _judge_pair(
            "license",
            first,
            others,
            [same_licence(first[0].shown, o[0].shown) for o in others],
            "The licence is",
        )
    for first in own:
        yield _judge_pair(
            "license",
            first,
            metadata,
            [same_licence(m[0].shown, first[0].shown) for m in metadata],
            "The licence is",
        )


def _is_of_model(sentence: str) -> bool:
    """Whether a sentence on a licence is not about data, code or another model."""
    return bool(_ALL_OF_IT.search(sentence)) or not _ABOUT_OTHER.search(sentence)


def _join(first: list[tuple[Known, int]], second: list[tuple[Known, int]]) -> list[tuple[Known, int]]:
    """Both, by line; of two facts of one line the first."""
    lines = {line for _, line in first}
    both = [*first, *(item for item in second if item[1] not in lines)]
    return sorted(both, key=lambda item: item[1])[:MOST_FACTS]


def _cite_tag(subject: AuditSubject, tag: str) -> Evidence | None:
    """A tag of the record that the card's own metadata does not hold, as evidence."""
    record = subject.record
    if f'"{tag}"' not in record.record_json:
        return None
    return subject.ledger.add(
        "metadata", record.source, "record.json#/tags", f'"{tag}"', record.record_sha256
    )


def _judge_languages(subject: AuditSubject) -> Iterator[Claim]:
    metadata = subject.facts("language", "metadata")
    labelled = [item for item in subject.facts("language", "prose") if find_languages(item[0].shown)]
    prose = _join(labelled, list(read_languages(subject)))

    def compare(declared: Known, told: Known) -> bool | None:
        codes, found = read_language_codes(declared.value), find_languages(told.shown)
        if not codes or not found or "multilingual" in codes or "multilingual" in told.shown.lower():
            return None
        return bool(codes & found)

    for first in metadata:
        yield _judge_pair(
            "language", first, prose, [compare(first[0], o[0]) for o in prose], "The language is"
        )
    for first in prose:
        yield _judge_pair(
            "language", first, metadata, [compare(m[0], first[0]) for m in metadata], "The language is"
        )


def _judge_datasets(subject: AuditSubject) -> Iterator[Claim]:
    value = subject.card.metadata.get("datasets")
    declared = (
        [show_value(item) for item in value]
        if isinstance(value, list)
        else [show_value(value)]
        if value
        else []
    )
    labelled = [
        item for item in subject.facts("dataset", "prose") if not _TESTED.search(subject.section_of(item[1]))
    ]
    prose = _join(labelled, list(read_datasets(subject)))
    body = [passage for passage in subject.card.passages if passage.kind != "code"]
    for index, name in enumerate(declared[:100]):
        if is_placeholder(name):
            continue
        pointer = f"/datasets/{index}" if isinstance(value, list) else "/datasets"
        line = subject.line_of(pointer) or subject.line_of("/datasets")
        short = _fold_name(name.rpartition("/")[2])
        hit = next((p for p in body if len(short) > 2 and short in _fold_name(p.text)), None)
        evidence = (_cite_passage(subject, hit),) if hit else ()
        yield Claim(
            "dataset", subject.quote(line), line, name, "supported" if hit else "unverifiable", evidence
        )
    for known, line in prose:
        named = re.findall(
            r"huggingface\.co/datasets/([\w.-]+(?:/[\w.-]+)?)|`([\w.-]+/[\w.-]+)`", known.evidence.text
        )
        ids = {_fold_name((first or second).rpartition("/")[2]) for first, second in named}
        if re.fullmatch(r"[\w.-]+/[\w.-]+", known.shown):
            ids.add(_fold_name(known.shown.rpartition("/")[2]))
        ids |= {_fold_name(found[0]) for found in KNOWN_DATASET.finditer(known.shown[:300])}
        stated = {_fold_name(name.rpartition("/")[2]) for name in declared}
        pointer_evidence = subject.cite_metadata("/datasets")
        if ids and stated and pointer_evidence:
            yield Claim(
                "dataset",
                known.evidence.text,
                line,
                known.shown,
                "supported" if any(same_dataset(a, b) for a in ids for b in stated) else "contradicted",
                (pointer_evidence,),
                f"The training data is {known.shown[:120]!r} here, "
                f"{', '.join(declared[:6])!r} in the metadata",
            )
        else:
            yield Claim("dataset", known.evidence.text, line, known.shown)


def _fold_name(text: str) -> str:
    return re.sub(r"[\W_]+", "", text.lower())


def _cite_passage(subject: AuditSubject, passage: Passage) -> Evidence:
    return subject.cite_lines(passage.lines.start, passage.lines.end)


def _judge_parents(subject: AuditSubject) -> Iterator[Claim]:
    """Declared parents against weights, an adapter's configuration, and one another."""
    card, source = subject.card, subject.record.source
    config = subject.facts("base_model", "config")
    parents = card.parents[:MOST_FACTS]
    metadata = [parent for parent in parents if parent.origin == "metadata"]
    edges = {edge.parent.lower(): edge for edge in subject.edges if edge.declared}
    for parent in parents:
        line = subject.locate(parent.locator)
        edge = edges.get(parent.name.lower()) or next(
            (edge for name, edge in edges.items() if same_model(name, parent.name)), None
        )
        reason, verdict, evidence = "", "unverifiable", tuple[Evidence, ...]()
        if edge is not None and edge.weights != "unverifiable":
            verdict, evidence, reason = edge.weights, edge.evidence, edge.reason
        elif config and parent.origin == "metadata":
            fits = any(same_model(known.shown, parent.name) for known, _ in config)
            if fits or not _is_local(config[0][0].shown):
                verdict = "supported" if fits else "contradicted"
                evidence = tuple(known.evidence for known, _ in config)
                reason = (
                    f"The base model is {parent.name!r} here, {config[0][0].shown!r} in adapter_config.json"
                )
        else:
            others = [o for o in parents if (o.origin == "metadata") != (parent.origin == "metadata")]
            same = [o for o in others if same_model(o.name, parent.name)]
            if same:
                verdict = "supported"
                evidence = tuple(
                    subject.ledger.add("card", source, o.locator, o.text, card.sha256)
                    for o in same[:3]
                    if o.text
                )
            elif parent.origin == "prose" and metadata and _is_identifier(parent):
                verdict = "contradicted"
                evidence = tuple(
                    subject.ledger.add("metadata", source, o.locator, o.text, card.sha256)
                    for o in metadata[:3]
                )
                reason = f"The base model is {parent.name!r} here, {metadata[0].name!r} in the metadata"
        yield Claim("base_model", parent.text, line, parent.name, verdict, evidence, reason)  # type: ignore[arg-type]


def _is_identifier(parent: DeclaredParent) -> bool:
    """Whether a sentence names one model for sure, by an id or by what can be nothing else."""
    plain = re.fullmatch(r"[a-z0-9]+(?:[-_.][a-z0-9]+)+", parent.name) and len(parent.name) >= 8
    return parent.confidence >= 0.65 and ("/" in parent.name or bool(plain))


def _is_local(name: str) -> bool:
    return name.startswith((".", "/", "~")) or "/" not in name or name.count("/") > 1


def _judge_snippets(subject: AuditSubject) -> Iterator[Claim]:
    """Ids that code of the card loads; contradicted where code loads others and never the model itself."""
    loaded: list[tuple[int, str, str]] = []
    for passage in subject.card.passages:
        if passage.kind not in ("code", "prose", "list") or "/" not in passage.text:
            continue
        lines = passage.text.split("\n")
        if len(loaded) >= _MOST_SNIPPETS:
            break
        for matched in _SNIPPET.finditer(passage.text[:50_000]):
            name = matched["id"] or matched["second"] or matched["named"] or matched["typed"]
            if passage.kind != "code" and not matched["id"]:
                continue
            offset = passage.text.count("\n", 0, matched.end() - 1)
            loaded.append((passage.lines.start + offset, lines[offset].strip()[:400], name))
    loaded, own = loaded[:MOST_FACTS], subject.model
    is_own = [bool(own) and name.lower() == own.lower() for _, _, name in loaded]
    parents = [parent.name for parent in subject.card.parents]
    counts = Counter(name.lower() for _, _, name in loaded)
    whole = subject.card.text[:200_000].lower()
    mentions = {name: whole.count(name.rpartition("/")[2]) for name in counts}
    for (line, text, name), mine in zip(loaded, is_own, strict=True):
        related = any(same_model(name, parent) for parent in parents)
        # Beside the model itself others may be loaded; one of a stranger that nothing else names is odd.
        named = name.partition("/")[0].lower() == own.partition("/")[0].lower() or (
            mentions[name.lower()] > counts[name.lower()]
        )
        if not own or related or (any(is_own) and not mine and named):
            yield Claim("snippet", text, line, name)
            continue
        evidence = subject.ledger.add(
            "repo", subject.record.source, "id", own, subject.record.card_sha256 or subject.card.sha256
        )
        yield Claim(
            "snippet",
            text,
            line,
            name,
            "supported" if mine else "contradicted",
            (evidence,),
            "" if mine else f"The code loads {name!r}, the model is {own!r}",
        )


def _state_rest(subject: AuditSubject) -> Iterator[Claim]:
    """Links, and fields that nothing can be held against: a record repeats what the card says of them."""
    for key in ("pipeline_tag", "library_name"):
        stated = subject.card.metadata.get(key)
        if isinstance(stated, str) and stated.strip():
            line = subject.line_of(f"/{key}")
            yield Claim(key, subject.quote(line), line, stated)
    for link in subject.card.links[:500]:
        yield Claim("link", link.url[:400], link.line, link.url[:400])
