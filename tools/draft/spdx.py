"""A draft as SPDX 3.0.1 with the AI profile, in JSON-LD: the package, its parents, data and licence.

Only what evidence supports is written. The profile `ai` is claimed only where its required properties are
known (https://spdx.github.io/spdx-spec/v3.0.1/model/AI/AI/).
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from tools.draft.checking import unquote
from tools.draft.gathering import Gathered
from tools.draft.parts import find_values, list_datasets, list_figures, list_parents
from tools.draft.types import SlotDraft

CONTEXT = "https://spdx.org/rdf/3.0.1/spdx-context.jsonld"
_NAMESPACE = uuid.UUID("6a1b1c55-7d26-5c4e-a6a3-3d7cf1a3b1f4")
# Properties of ai_AIPackage that hold texts, and the slots they are taken from.
_TEXTS = {
    "ai_informationAboutApplication": ("direct_use", "downstream_use"),
    "ai_limitation": ("bias_risks_limitations", "out_of_scope_use"),
    "ai_informationAboutTraining": ("training_procedure", "training_regime", "training_data"),
}
_TIME = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}")


def render_spdx(
    gathered: Gathered, slots: Sequence[SlotDraft], *, now: datetime | None = None
) -> dict[str, Any]:
    """The document as a JSON object. `now` is the time of creation, the present unless given."""
    created = (now or datetime.now(UTC)).strftime("%Y-%m-%dT%H:%M:%SZ")
    graph = _Graph(gathered.subject.record.source, created)
    package = _describe_package(gathered, slots, graph)
    relations = [
        ("descendantOf", [graph.add("software_Package", f"model:{parent}", name=parent)])
        for parent, _ in list_parents(gathered)
    ]
    tested = list(dict.fromkeys(dataset for _, _, dataset in list_figures(gathered) if dataset))
    for kind, names in (("trainedOn", list_datasets(gathered)), ("testedOn", tested)):
        sets = [graph.add("dataset_DatasetPackage", f"dataset:{name}", name=name) for name in names]
        if sets:
            relations.append((kind, sets))
    for said in next((slot.statements for slot in slots if slot.slot == "license"), ()):
        kind = "hasConcludedLicense" if said.inherited_from else "hasDeclaredLicense"
        expression = _write_expression(said.text)
        licence = graph.add(
            "simplelicensing_LicenseExpression",
            f"licence:{expression}",
            simplelicensing_licenseExpression=expression,
        )
        relations.append((kind, [licence]))
    for number, (kind, targets) in enumerate(relations):
        made = {"from": package["spdxId"], "to": targets, "relationshipType": kind}
        graph.add("Relationship", f"relation:{number}", **made)
    profiles = ["core", "software", "simpleLicensing"]
    required = ("suppliedBy", "software_downloadLocation", "releaseTime", "software_packageVersion")
    if all(key in package for key in required):
        profiles.append("ai")
    return graph.finish(package["spdxId"], profiles)


class _Graph:
    """Elements under construction; ids are made from the model's revision, so that they stay the same."""

    def __init__(self, source: str, created: str) -> None:
        self._source = source
        self._elements: dict[str, dict[str, Any]] = {}
        self._created = created
        self._agent = self.add("SoftwareAgent", "agent", name="model-lake-assistant")

    def name(self, key: str) -> str:
        return f"urn:uuid:{uuid.uuid5(_NAMESPACE, f'{self._source} {key}')}"

    def add(self, kind: str, key: str, **properties: Any) -> str:
        """Add an element once and return its id."""
        identifier = self.name(key)
        element = {"type": kind, "spdxId": identifier, "creationInfo": "_:creation", **properties}
        self._elements.setdefault(identifier, element)
        return identifier

    def get(self, identifier: str) -> dict[str, Any]:
        return self._elements[identifier]

    def finish(self, root: str, profiles: list[str]) -> dict[str, Any]:
        creation = {
            "type": "CreationInfo",
            "@id": "_:creation",
            "specVersion": "3.0.1",
            "created": self._created,
            "createdBy": [self._agent],
        }
        held = list(self._elements)
        document = {
            "type": "SpdxDocument",
            "spdxId": self.name("document"),
            "creationInfo": "_:creation",
            "rootElement": [root],
            "element": held,
            "profileConformance": profiles,
        }
        return {"@context": CONTEXT, "@graph": [creation, document, *self._elements.values()]}


def _describe_package(gathered: Gathered, slots: Sequence[SlotDraft], graph: _Graph) -> dict[str, Any]:
    record = gathered.subject.record
    package = graph.get(graph.add("ai_AIPackage", "model", name=record.model))
    package["software_packageVersion"] = record.revision
    package["software_primaryPurpose"] = "model"
    if record.link.startswith("https://"):
        package["software_downloadLocation"] = record.link
    if released := record.created_at and _TIME.match(record.created_at):
        package["releaseTime"] = f"{released[0]}Z"
    if suppliers := find_values(slots, "shared_by") or find_values(slots, "developers"):
        package["suppliedBy"] = graph.add("Agent", f"supplier:{suppliers[0]}", name=suppliers[0])
    kinds = [
        found[0].shown
        for key in ("architectures", "model_type")
        if (found := gathered.find("config.json", key))
    ]
    if kinds:
        package["ai_typeOfModel"] = list(dict.fromkeys(kinds))
    if task := gathered.first("task"):
        package["ai_domain"] = [task.shown]
    for key, wanted in _TEXTS.items():
        texts = [
            " ".join(unquote(said.text).split())
            for slot in slots
            if slot.slot in wanted
            for said in slot.statements
        ]
        if texts:
            package[key] = " ".join(texts)
    if preprocessing := _read_texts(slots, "preprocessing"):
        package["ai_modelDataPreprocessing"] = preprocessing
    if figures := list_figures(gathered):
        package["ai_metric"] = [
            {
                "type": "DictionaryEntry",
                "key": f"{metric} on {dataset}" if dataset else metric,
                "value": value,
            }
            for metric, value, dataset in figures
        ]
    arguments = [
        said for slot in slots if slot.slot == "training_regime" for said in slot.statements if said.values
    ]
    if arguments:
        package["ai_hyperparameter"] = [
            {
                "type": "DictionaryEntry",
                "key": said.evidence[0].locator.rpartition("/")[2],
                "value": said.values[0],
            }
            for said in arguments
        ]
    if hashes := gathered.known.get("weights_hash"):
        package["verifiedUsing"] = [
            {"type": "Hash", "algorithm": "sha256", "hashValue": known.value[1], "comment": known.value[0]}
            for known in hashes
        ]
    open_slots = [slot.name for slot in slots if slot.status == "unknown"]
    if open_slots:
        package["comment"] = f"No evidence was found for: {', '.join(dict.fromkeys(open_slots))}."
    return package


def _read_texts(slots: Sequence[SlotDraft], name: str) -> list[str]:
    return [
        " ".join(unquote(said.text).split())
        for slot in slots
        if slot.slot == name
        for said in slot.statements
    ]


def _write_expression(name: str) -> str:
    """A licence as SPDX writes it; what is not on its list becomes a reference of its own."""
    from cyclonedx.spdx import fixup_id

    return fixup_id(name) or "LicenseRef-" + (re.sub(r"[^A-Za-z0-9.-]+", "-", name).strip("-") or "unnamed")
