"""The sample lake audited as a whole: what invented cards hide is found, and no honest card has an error."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.weighed_lake import LAB, weigh_sample
from tools.audit import audit_lake, audit_model
from tools.lake import Lake

_ERRORS = {
    f"{LAB}/delta-notes": {"base-model-contradicted"},
    f"{LAB}/free-translator": {"license-drops-restrictions"},
    f"{LAB}/leaf-disease-perfect": {"metric-out-of-range", "result-disagrees"},
    f"{LAB}/review-sentiment-small": {"result-disagrees"},
}
_WARNINGS = {
    f"{LAB}/contract-clause-finder": "license-missing",
    f"{LAB}/mini-summarizer": "parameters-exceed-shape",
    f"{LAB}/moss-base": "copy-undeclared",
    f"{LAB}/quiet-mill": "base-model-undeclared",
    f"{LAB}/radiology-notes-tagger": "base-model-contradicted",
    f"{LAB}/template-classifier": "card-boilerplate",
}


def test_what_is_hidden_is_found_and_honest_cards_have_no_error(
    sample_home: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    with Lake.open(weigh_sample(sample_home, tmp_path_factory), embedder=None) as lake:
        weighed = [audit_model(lake, model) for model in lake.catalog.weight_places()]
        reports = {report.target: report for report in (*audit_lake(lake), *weighed)}
    assert len(reports) >= 60
    errors = {
        target: {finding.rule for finding in report.findings if finding.severity == "error"}
        for target, report in reports.items()
        if report.count("error")
    }
    assert errors == _ERRORS
    for target, rule in _WARNINGS.items():
        assert rule in {f.rule for f in reports[target].findings if f.severity == "warning"}, target
