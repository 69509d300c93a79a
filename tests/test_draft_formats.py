"""Drafts as CycloneDX, SPDX, the EU form and JSON."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.draft_models import write_model
from tools.draft import describe_draft, draft_card
from tools.draft.cyclonedx import validate_cyclonedx
from tools.draft.eu import list_fields
from tools.errors import UsageError
from tools.lake import Lake


@pytest.fixture
def lake(sample_home: Path, tmp_path: Path) -> Iterator[Lake]:
    with Lake.open(shutil.copytree(sample_home, tmp_path / "home"), embedder=None) as opened:
        yield opened


def find_all(document: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    return [element for element in document["@graph"] if element["type"] == kind]


def test_cyclonedx_validates_and_names_ancestors(lake: Lake) -> None:
    draft = draft_card(lake, "example-lab/brook-letters-lora", format="cyclonedx", seconds=0)
    document = json.loads(draft.card)
    assert document == draft.document == describe_draft(draft)["card"]
    assert (document["bomFormat"], document["specVersion"]) == ("CycloneDX", "1.6")
    component = document["metadata"]["component"]
    assert component["type"] == "machine-learning-model"
    assert component["licenses"] == [{"license": {"id": "Apache-2.0", "acknowledgement": "declared"}}]
    (ancestor,) = component["pedigree"]["ancestors"]
    assert (ancestor["group"], ancestor["name"]) == ("example-lab", "brook-base")
    assert component["modelCard"]["modelParameters"]["task"] == "text-generation"
    values = {entry["name"]: entry["value"] for entry in component["modelCard"]["properties"]}
    assert values["lake:language"] == "[More Information Needed]"
    assert "rank is 4" in values["lake:training_procedure"]


def test_cyclonedx_has_the_hashes_of_the_weights(tmp_path: Path) -> None:
    folder = write_model(tmp_path / "acme__tiny")
    document = json.loads(draft_card(None, str(folder), format="cyclonedx").card)
    (file,) = document["metadata"]["component"]["components"]
    digest = hashlib.sha256((folder / "model.safetensors").read_bytes()).hexdigest()
    assert (file["name"], file["hashes"]) == ("model.safetensors", [{"alg": "SHA-256", "content": digest}])


def test_cyclonedx_is_the_same_for_the_same_evidence(tmp_path: Path) -> None:
    folder = str(write_model(tmp_path / "acme__tiny"))
    assert (
        draft_card(None, folder, format="cyclonedx").card == draft_card(None, folder, format="cyclonedx").card
    )


def test_an_invalid_bill_of_materials_is_refused(tmp_path: Path) -> None:
    document = json.loads(
        draft_card(None, str(write_model(tmp_path / "acme__tiny")), format="cyclonedx").card
    )
    document["metadata"]["component"]["modelCard"]["invented"] = 1
    with pytest.raises(UsageError, match=r"CycloneDX 1\.6"):
        validate_cyclonedx(document)


def test_reported_results_are_performance_metrics(lake: Lake) -> None:
    document = json.loads(draft_card(lake, "deepset/roberta-base-squad2", format="cyclonedx", seconds=0).card)
    figures = document["metadata"]["component"]["modelCard"]["quantitativeAnalysis"]["performanceMetrics"]
    assert {"type": "F1", "value": "82.9501", "slice": "squad_v2"} in figures


def test_spdx_relates_the_model_to_parent_licence_and_data(lake: Lake) -> None:
    document = json.loads(draft_card(lake, "example-lab/brook-letters-lora", format="spdx", seconds=0).card)
    assert document["@context"].endswith("spdx-context.jsonld")
    (package,) = find_all(document, "ai_AIPackage")
    assert package["name"] == "example-lab/brook-letters-lora"
    identifiers = {element["spdxId"]: element for element in document["@graph"] if "spdxId" in element}
    related = {
        relation["relationshipType"]: identifiers[relation["to"][0]]
        for relation in find_all(document, "Relationship")
        if relation["from"] == package["spdxId"]
    }
    assert related["descendantOf"]["name"] == "example-lab/brook-base"
    assert related["hasDeclaredLicense"]["simplelicensing_licenseExpression"] == "Apache-2.0"
    (root,) = find_all(document, "SpdxDocument")
    assert set(root["element"]) <= set(identifiers)
    # A profile whose required properties are not known is not claimed.
    assert "ai" not in root["profileConformance"]


def test_spdx_names_data_and_a_licence_of_no_list(lake: Lake) -> None:
    document = json.loads(draft_card(lake, "deepset/roberta-base-squad2", format="spdx", seconds=0).card)
    assert "squad_v2" in {element["name"] for element in find_all(document, "dataset_DatasetPackage")}
    document = json.loads(draft_card(lake, "meta-llama/Llama-3.2-1B-Instruct", format="spdx", seconds=0).card)
    (licence,) = find_all(document, "simplelicensing_LicenseExpression")
    assert licence["simplelicensing_licenseExpression"] == "LicenseRef-llama3.2"


def test_the_eu_form_has_every_field_filled_inherited_or_open(tmp_path: Path) -> None:
    folder = write_model(tmp_path / "acme__tiny")
    draft = draft_card(None, str(folder), format="eu")
    assert draft.document is not None
    fields = {field["id"]: field for field in draft.document["fields"]}
    assert len(fields) == len(list_fields()) >= 20
    assert {field["status"] for field in fields.values()} <= {"filled", "inherited", "open"}
    assert fields["1.1"]["status"] == "open"
    assert fields["1.1"]["fills"]
    digest = hashlib.sha256((folder / "model.safetensors").read_bytes()).hexdigest()
    assert digest in fields["1.3"]["value"][0]["text"]
    assert "336 parameters" in fields["2.5"]["value"][0]["text"]
    assert fields["7.2"]["value"][0]["text"] == "812.4 seconds."
    cited = {key for field in fields.values() for said in field["value"] for key in said["evidence"]}
    assert cited <= {item.id for item in draft.evidence}
    assert set(re.findall(r"\[\^(E\d+)\]", draft.card)) == cited


def test_json_holds_the_ledger(tmp_path: Path) -> None:
    document = json.loads(draft_card(None, str(write_model(tmp_path / "acme__tiny")), format="json").card)
    assert document["metadata"]["library_name"] == "transformers"
    held = {item["id"] for item in document["evidence"]}
    assert document["claims"]
    for claim in document["claims"]:
        assert {item["id"] for item in claim["evidence"]} <= held
        assert all(re.fullmatch(r"[0-9a-f]{64}", item["sha256"]) for item in claim["evidence"])
