"""Is the embedded sample lake true to the real cards, and in words of its own?

`run_check_sample(shared)` compares every sample model with the real card of the same id in the shared
data: record columns exactly, front matter and every number of the body against what the card states, and
no run of eight words in common with any real card. Figures and failures go to stdout as one JSON document:

    python -m eval.check_sample ../shared
"""

from __future__ import annotations

import json
import re
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

SAMPLE = Path(__file__).resolve().parent.parent / "tools" / "data" / "sample"
_SOURCES = Path(__file__).with_name("check_sample.json")
_NGRAM = 8
_FRONT_MATTER = re.compile(r"\A\s*---\n(.*?)\n---[ \t]*(?:\n|\Z)", re.DOTALL)
_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
_WORD = re.compile(r"[^\W_]+")
_LIBRARY_NAMES = {
    "hugging face transformers": "transformers",
    "stable-baselines3": "stable-baselines3",
    "scikit-learn": "sklearn",
    "hugging face": None,  # names the place, no library
}


@dataclass(frozen=True, slots=True)
class SampleModel:
    """A sample model as committed."""

    model: str
    record: dict[str, Any]
    metadata: dict[str, Any]
    body: str


@dataclass(frozen=True, slots=True)
class RealCard:
    """What the shared data hold on a model: the dump's columns (empty without a row) and every document."""

    columns: dict[str, Any]
    metadata: dict[str, Any]
    text: str
    numbers: frozenset[str]
    results: frozenset[tuple[str, ...]]


@dataclass(slots=True)
class Report:
    """Counts of comparisons by field, what failed, and which failures are explained."""

    reasons: dict[tuple[str, str, str], str]
    checked: Counter[str] = field(default_factory=Counter)
    failures: list[dict[str, str]] = field(default_factory=list)
    explained: list[dict[str, str]] = field(default_factory=list)

    def expect(self, holds: bool, model: str, name: str, value: object) -> None:
        """Count one comparison; a false one is a failure unless a reason is on file for it."""
        self.checked[name] += 1
        if holds:
            return
        reason = self.reasons.get((model, name, str(value)))
        entry = {"model": model, "field": name, "value": str(value)}
        if reason is None:
            self.failures.append(entry)
        else:
            self.explained.append({**entry, "reason": reason})


def split_card(text: str) -> tuple[dict[str, Any], str]:
    """Front matter as plain values and the rest of the card; unreadable front matter counts as none."""
    match = _FRONT_MATTER.match(text)
    if match is None:
        return {}, text
    try:
        metadata = yaml.safe_load(match.group(1))
    except yaml.YAMLError:
        metadata = None
    return (metadata if isinstance(metadata, dict) else {}), text[match.end() :]


def read_sample(sample: Path = SAMPLE) -> Iterator[SampleModel]:
    """Every model of the sample lake, by folder name."""
    for path in sorted((sample / "models").glob("*/*/record.json")):
        record = json.loads(path.read_text(encoding="utf-8"))
        metadata, body = split_card(path.with_name("README.md").read_text(encoding="utf-8"))
        yield SampleModel(model=record["modelId"], record=record, metadata=metadata, body=body)


def run_check_sample(shared: Path) -> dict[str, Any]:
    """Compare the sample lake with the real cards below `shared` (its folder `lake/`).

    Returns counts of comparisons by field, `failures` and `copied` (both empty when the sample is clean),
    `explained` deviations with their reasons, and `unmatched` models that no real card stands for.
    """
    settings = json.loads(_SOURCES.read_text(encoding="utf-8"))
    lake = shared / "lake"
    languages = json.loads((SAMPLE.parent / "languages.json").read_text(encoding="utf-8"))
    names = {entry["code"]: entry["names"] for entry in languages}
    rows = _read_dump(lake / "model_cards_with_metadata.parquet")
    documents = {path.name: path.read_text(encoding="utf-8") for path in (lake / "table_cards").glob("*.md*")}
    runs = _word_runs([*(row["card"] or "" for row in rows.values()), *documents.values()])
    invented = settings["invented_organisation"] + "/"
    report = Report({(e["model"], e["field"], e["value"]): e["reason"] for e in settings["explained"]})
    allowed = _word_runs(settings["titles"])
    unmatched, copied, models = [], [], list(read_sample())
    for model in models:
        if model.model.startswith(invented):
            continue
        extra = [documents[name] for name in settings["table_cards"].get(model.model, [])]
        row = rows.get(model.model)
        if row is None and not extra:
            unmatched.append(model.model)
            continue
        _check_model(model, _read_real(row, extra), names, report)
        own_words = model.body.replace(model.model.split("/")[-1], " ")  # its name is no prose
        shared_runs = [run for run in _word_runs_in_order(own_words) if run in runs and run not in allowed]
        copied += [{"model": model.model, "words": " ".join(run)} for run in shared_runs]
    papers = [path.read_text(encoding="utf-8") for path in sorted((SAMPLE / "papers").glob("*.md"))]
    for text in papers:
        shared_runs = [run for run in _word_runs_in_order(text) if run in runs and run not in allowed]
        copied += [{"model": "papers", "words": " ".join(run)} for run in shared_runs]
    tasks = {str(model.record["pipeline_tag"]) for model in models if model.record["pipeline_tag"]}
    return {
        "models": len(models),
        "tasks": len(tasks),
        "papers": len(papers),
        "checked": dict(sorted(report.checked.items())),
        "comparisons": sum(report.checked.values()),
        "failures": report.failures,
        "copied": copied,
        "unmatched": unmatched,
        "explained": report.explained,
    }


def _read_dump(path: Path) -> dict[str, dict[str, Any]]:
    import pyarrow.parquet as pq

    return {row["modelId"]: row for row in pq.read_table(path).to_pylist()}


def _read_real(row: dict[str, Any] | None, extra: list[str]) -> RealCard:
    card = (row or {}).get("card") or ""
    metadata, _ = split_card(card)
    text = "\n".join([card, *extra])
    columns = dict(row or {})
    numbers = frozenset(_numbers(text))
    return RealCard(columns, metadata, text.lower(), numbers, frozenset(_result_rows(metadata)))


def _check_model(model: SampleModel, real: RealCard, names: dict[str, list[str]], report: Report) -> None:
    name, record, metadata = model.model, model.record, model.metadata
    if real.columns:
        _check_columns(name, record, real.columns, report)
    report.expect(
        metadata.get("pipeline_tag") == record["pipeline_tag"], name, "task", record["pipeline_tag"]
    )
    stated = _as_list(real.metadata.get("license") or real.metadata.get("licenses"))
    for license_id in _as_list(metadata.get("license")):
        report.expect(license_id in stated, name, "license", license_id)
    report.expect(bool(stated) <= bool(metadata.get("license")), name, "license kept", stated)
    languages = _as_list(real.metadata.get("language") or real.metadata.get("languages"))
    for language in _as_list(metadata.get("language")):
        named = any(spoken.lower() in real.text for spoken in names.get(language, ()))
        report.expect(language in languages or named, name, "language", language)
    listed = _as_list(real.metadata.get("datasets"))
    for dataset in _as_list(metadata.get("datasets")):
        report.expect(dataset in listed or dataset.lower() in real.text, name, "dataset", dataset)
    for dataset in listed:
        report.expect(dataset in _as_list(metadata.get("datasets")), name, "dataset kept", dataset)
    for parent in _as_list(metadata.get("base_model")):
        report.expect(parent.lower() in real.text, name, "base model", parent)
    for row in _result_rows(metadata):
        in_text = row[-1] in real.numbers and row[0].lower() in real.text
        report.expect(row in real.results or (not real.results and in_text), name, "result", " / ".join(row))
    own = {*_numbers(name), *_numbers(str(record["link"]))}
    for number in _numbers(model.body):
        report.expect(number in real.numbers or number in own, name, "number", number)


def _check_columns(name: str, record: dict[str, Any], columns: dict[str, Any], report: Report) -> None:
    report.expect(record["author"] == columns["author"], name, "author", record["author"])
    downloads = columns["downloads"] or None  # zero means unknown in the dump
    report.expect(record["downloads"] == downloads, name, "downloads", record["downloads"])
    report.expect((record["likes"] or 0) == (columns["likes"] or 0), name, "likes", record["likes"])
    report.expect(record["tags"] == list(columns["tags"]), name, "tags", record["tags"])
    task = columns["pipeline_tag"]
    report.expect(record["pipeline_tag"] == task, name, "task", record["pipeline_tag"])
    library = (columns["library_name"] or "").lower() or None
    library = _LIBRARY_NAMES.get(library, library) if library else None
    report.expect(
        (record["library_name"] or "").lower() == (library or ""), name, "library", record["library_name"]
    )


def _as_list(value: object) -> list[str]:
    """A metadata value as a list of strings; YAML 1.1 reads the language code `no` as false."""
    values = value if isinstance(value, list) else [] if value is None else [value]
    return ["no" if item is False else str(item) for item in values]


def _result_rows(metadata: dict[str, Any]) -> Iterator[tuple[str, ...]]:
    """(dataset, config, split, metric, value) of each metric of the model index."""
    for entry in metadata.get("model-index") or []:
        for result in entry.get("results") or []:
            dataset = result.get("dataset") or {}
            place = tuple(str(dataset.get(key) or "") for key in ("name", "config", "split"))
            for metric in result.get("metrics") or []:
                yield (*place, str(metric.get("name")), _canonical(str(metric.get("value"))))


def _numbers(text: str) -> list[str]:
    return [_canonical(match.group()) for match in _NUMBER.finditer(text)]


def _canonical(number: str) -> str:
    """One spelling for one number: no thousands separators, no trailing zeros of a fraction."""
    plain = number.replace(",", "") if re.fullmatch(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?", number) else number
    return plain.rstrip("0").rstrip(".") if re.fullmatch(r"\d+\.\d+", plain) else plain


def _word_runs(texts: Iterable[str]) -> set[tuple[str, ...]]:
    return {run for text in texts for run in _word_runs_in_order(text)}


def _word_runs_in_order(text: str) -> Iterator[tuple[str, ...]]:
    """Every run of eight words, case, punctuation and markup aside; addresses are no prose."""
    words = _WORD.findall(re.sub(r"https?://\S+", " ", text.lower()))
    for start in range(len(words) - _NGRAM + 1):
        yield tuple(words[start : start + _NGRAM])


def main(arguments: list[str]) -> int:
    """Print the report for the shared data folder named in `arguments`; 1 when anything is not clean."""
    shared = Path(arguments[0]) if arguments else SAMPLE.parents[3] / "shared"
    report = run_check_sample(shared)
    sys.stdout.write(json.dumps(report, indent=1, ensure_ascii=False) + "\n")
    return 1 if report["failures"] or report["copied"] or report["unmatched"] else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
