"""A draft as a bill of materials: CycloneDX 1.6, its component a machine-learning model with a model card.

Components, licences, hashes and the pedigree are written by `cyclonedx-python-lib`, which has no `modelCard`:
that part is added to its JSON, and the whole is validated against the schema that the library bundles.
Specification: https://cyclonedx.org/docs/1.6/json/#components_items_modelCard
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from tools.draft.checking import unquote
from tools.draft.gathering import Gathered
from tools.draft.parts import find_values, list_datasets, list_figures, list_parents
from tools.draft.types import SlotDraft, Statement
from tools.errors import UsageError

if TYPE_CHECKING:
    from cyclonedx.model.component import Component
    from cyclonedx.model.license import License

_NAMESPACE = uuid.UUID("0f0f6b7a-4a0a-5d0b-9b60-6c6f7a1d2c3e")  # ours: the same draft gets the same number
_CONSIDERATIONS = {
    "useCases": ("direct_use", "downstream_use"),
    "technicalLimitations": ("bias_risks_limitations", "out_of_scope_use"),
}
_PREFIX = "lake:"


def render_cyclonedx(gathered: Gathered, slots: Sequence[SlotDraft]) -> dict[str, Any]:
    """The bill of materials as a JSON object. Raises UsageError should it not validate."""
    from cyclonedx.model.bom import Bom, BomMetaData
    from cyclonedx.model.dependency import Dependency
    from cyclonedx.output.json import JsonV1Dot6

    component = _make_component(gathered, slots)
    evidence = "".join(key for slot in slots for key in slot.evidence)
    number = uuid.uuid5(_NAMESPACE, f"{gathered.subject.record.source} {evidence}")
    bom = Bom(
        metadata=BomMetaData(component=component),
        serial_number=number,
        dependencies=[Dependency(component.bom_ref)],
    )
    document: dict[str, Any] = json.loads(JsonV1Dot6(bom).output_as_string())
    document["metadata"].pop("timestamp", None)  # the same evidence gives the same document
    document["metadata"]["component"]["modelCard"] = _make_card(gathered, slots)
    validate_cyclonedx(document)
    return document


def validate_cyclonedx(document: dict[str, Any]) -> None:
    """Raises UsageError for what the schema of CycloneDX 1.6 does not allow."""
    from cyclonedx.schema import SchemaVersion
    from cyclonedx.validation.json import JsonStrictValidator

    fault = JsonStrictValidator(SchemaVersion.V1_6).validate_str(json.dumps(document))
    if fault is not None:
        reason = str(fault.data if hasattr(fault, "data") else fault).splitlines()[0][:200]
        raise UsageError(
            f"The bill of materials would not be CycloneDX 1.6: {reason}.",
            hint="Please report it with the model's name; --format markdown works meanwhile.",
        )


def _make_component(gathered: Gathered, slots: Sequence[SlotDraft]) -> Component:
    from cyclonedx.model import (
        ExternalReference,
        ExternalReferenceType,
        HashAlgorithm,
        HashType,
        Property,
        XsUri,
    )
    from cyclonedx.model.component import Component, ComponentType, Pedigree
    from cyclonedx.model.contact import OrganizationalEntity

    record = gathered.subject.record
    group, _, name = record.model.rpartition("/")
    weights = [
        Component(
            type=ComponentType.FILE,
            name=known.value[0],
            bom_ref=f"file:{known.value[0]}",
            hashes=[HashType(alg=HashAlgorithm.SHA_256, content=known.value[1])],
        )
        for known in gathered.known.get("weights_hash", ())
    ]
    ancestors = [
        Component(
            type=ComponentType.MACHINE_LEARNING_MODEL,
            group=parent.rpartition("/")[0] or None,
            name=parent.rpartition("/")[2],
            bom_ref=f"model:{parent}",
            properties=[Property(name=f"{_PREFIX}relation", value=relation)] if relation else [],
        )
        for parent, relation in list_parents(gathered)
    ]
    shared = find_values(slots, "shared_by") or find_values(slots, "developers")
    papers = [value for value in find_values(slots, "paper") if value[:4].isdigit()]
    return Component(
        type=ComponentType.MACHINE_LEARNING_MODEL,
        group=group or None,
        name=name,
        version=record.revision,
        bom_ref=f"model:{record.source}",
        supplier=OrganizationalEntity(name=shared[0]) if shared else None,
        licenses=_make_licences(slots),
        pedigree=Pedigree(ancestors=ancestors) if ancestors else None,
        components=weights,
        external_references=[
            ExternalReference(
                type=ExternalReferenceType.DOCUMENTATION, url=XsUri(f"https://arxiv.org/abs/{paper}")
            )
            for paper in papers
        ],
        properties=[
            Property(
                name=f"{_PREFIX}evidence:{item.id}",
                value=f"{item.source} {item.locator} sha256:{item.sha256}",
            )
            for item in _list_evidence(gathered, slots)
        ],
    )


def _list_evidence(gathered: Gathered, slots: Sequence[SlotDraft]) -> list[Any]:
    keys = {key for slot in slots for key in slot.evidence}
    return [item for item in gathered.ledger if item.id in keys]


def _make_licences(slots: Sequence[SlotDraft]) -> list[License]:
    """The licence by its SPDX id where it has one, else by the name given. An inherited one is concluded."""
    from cyclonedx.model.license import DisjunctiveLicense, LicenseAcknowledgement
    from cyclonedx.spdx import fixup_id

    licences: list[License] = []
    for said in next((slot.statements for slot in slots if slot.slot == "license"), ()):
        standing = (
            LicenseAcknowledgement.CONCLUDED if said.inherited_from else LicenseAcknowledgement.DECLARED
        )
        if identifier := fixup_id(said.text):
            licences.append(DisjunctiveLicense(id=identifier, acknowledgement=standing))
        else:
            licences.append(DisjunctiveLicense(name=said.text, acknowledgement=standing))
    return licences


def _make_card(gathered: Gathered, slots: Sequence[SlotDraft]) -> dict[str, Any]:
    """The `modelCard` object: only what evidence supports, open slots named as properties."""
    parameters: dict[str, Any] = {}
    if task := gathered.first("task"):
        parameters["task"] = task.shown
    for key, member in (("architectureFamily", "model_type"), ("modelArchitecture", "architectures")):
        if found := gathered.find("config.json", member):
            parameters[key] = found[0].shown
    if datasets := list_datasets(gathered):
        parameters["datasets"] = [{"type": "dataset", "name": name} for name in datasets]
    card: dict[str, Any] = {"bom-ref": f"card:{gathered.subject.record.source}"}
    if parameters:
        card["modelParameters"] = parameters
    figures = [
        {"type": metric, "value": value} | ({"slice": dataset} if dataset else {})
        for metric, value, dataset in list_figures(gathered)
    ]
    if figures:
        card["quantitativeAnalysis"] = {"performanceMetrics": figures}
    considerations = {
        key: [_plain(said) for slot in slots if slot.slot in wanted for said in slot.statements]
        for key, wanted in _CONSIDERATIONS.items()
    }
    if any(considerations.values()):
        card["considerations"] = {key: texts for key, texts in considerations.items() if texts}
    card["properties"] = [
        {"name": f"{_PREFIX}{slot.slot}", "value": _sum_up(slot)}
        for slot in slots
        if slot.slot != "get_started_code"
    ]
    return card


def _sum_up(slot: SlotDraft) -> str:
    if not slot.statements:
        return "[More Information Needed]"
    texts = []
    for said in slot.statements:
        inherited = f" (inherited from {said.inherited_from})" if said.inherited_from else ""
        texts.append(f"{_plain(said)}{inherited} [{', '.join(item.id for item in said.evidence)}]")
    return " ".join(texts)


def _plain(said: Statement) -> str:
    return " ".join(unquote(said.text).split())
