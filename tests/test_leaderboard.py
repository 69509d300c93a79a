"""Who reports the best value: spellings, scales, data under many names, and places that disagree."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.lakes import open_catalog, put_card, report, write_card, write_reports
from tools.catalog.records import StoredResult
from tools.catalog.sqlite import SqliteCatalog
from tools.evidence import EvidenceLedger
from tools.leaderboard import (
    Conflict,
    closest_data,
    find_conflicts,
    fraction_of,
    list_leaders,
    quote_result,
    rank_results,
)
from tools.places import Places

VOICES = "Imagined Voices"
# Cells far enough apart to be two places of a card.
FAR = "\n\n".join(["Quill is a model that nobody has ever seen at work."] * 8)


@pytest.fixture
def catalog(tmp_path: Path) -> Iterator[SqliteCatalog]:
    opened = open_catalog(tmp_path)
    yield opened
    opened.close()


def leaders(catalog: SqliteCatalog, **asked: Any) -> list[str]:
    """The models of the first ranking, best first, without organisation."""
    found = list_leaders(catalog, **asked)
    return [row.model.partition("/")[2] for row in found[0].rows] if found else []


def put_values(catalog: SqliteCatalog, metric: str, dataset: str = VOICES, **values: Any) -> None:
    for model, value in values.items():
        put_card(catalog, f"nimbus/{model}", write_reports(report(metric, value, dataset)))


# -- ranking ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("metric", "best_first"),
    [
        ("WER", ["low", "mid", "high"]),
        ("loss", ["low", "mid", "high"]),
        ("perplexity", ["low", "mid", "high"]),
        ("mae", ["low", "mid", "high"]),
        ("accuracy", ["high", "mid", "low"]),
        ("mean_reward", ["high", "mid", "low"]),
        ("quillness", ["high", "mid", "low"]),  # of no known metric more is taken to be better
    ],
)
def test_which_way_is_better_depends_on_the_metric(
    catalog: SqliteCatalog, metric: str, best_first: list[str]
) -> None:
    put_values(catalog, metric, mid=0.2, high=0.3, low=0.1)
    assert leaders(catalog, metric=metric) == best_first
    assert list_leaders(catalog, metric=metric)[0].lower_is_better == (best_first[0] == "low")


def test_the_order_can_be_asked_for(catalog: SqliteCatalog) -> None:
    put_values(catalog, "wer", mid=0.2, high=0.3, low=0.1)
    ranking = rank_results(catalog.results(), descending=True)
    assert ranking is not None
    assert [row.row.value for row in ranking.rows] == [0.3, 0.2, 0.1]


def test_nothing_that_is_no_number_is_ranked(catalog: SqliteCatalog) -> None:
    put_values(catalog, "wer", good=12.5, nan=".nan", words="see the paper", inf=float("inf"))
    assert leaders(catalog, metric="wer") == ["good"]
    assert rank_results([]) is None
    assert rank_results([row for row in catalog.results() if row.model != "nimbus/good"]) is None


@pytest.mark.parametrize(
    "metric", ["accuracy", "F1", "wer", "rouge1", "bleu", "roc_auc", "mAP@50", "chrf", "mcc", "ndcg@10"]
)
def test_percent_and_fractions_are_one_scale(catalog: SqliteCatalog, metric: str) -> None:
    put_values(catalog, metric, fraction=0.42, percent=57.5, written="31.5%")
    ordered = ["percent", "fraction", "written"]
    assert leaders(catalog, metric=metric) == (ordered[::-1] if metric == "wer" else ordered)
    values = {row.model: fraction_of(row) for row in catalog.results()}
    assert values["nimbus/percent"] == pytest.approx(0.575)


@pytest.mark.parametrize("metric", ["perplexity", "loss", "mean_reward", "psnr", "mse", "r2"])
def test_what_is_no_share_is_taken_as_it_is(catalog: SqliteCatalog, metric: str) -> None:
    put_values(catalog, metric, one=12.0, other=-0.5)
    assert sorted(fraction_of(row) or 0.0 for row in catalog.results()) == [-0.5, 12.0]


def test_spellings_of_one_metric_are_one_ranking(catalog: SqliteCatalog) -> None:
    for model, name, kind, value in [
        ("a", "WER", "wer", 14.0), ("b", "Test WER", "wer", 11.0), ("c", "Word Error Rate", "custom", 9.0),
        ("d", "wer", "", 12.0),
    ]:  # fmt: skip
        put_card(catalog, f"nimbus/{model}", write_reports(report(name, value, VOICES, type=kind)))
    put_values(catalog, "cer", e=3.0)
    for asked in ("WER", "word error rate", "lowest wer"):
        assert leaders(catalog, metric=asked) == ["c", "b", "d", "a"]
    assert len(list_leaders(catalog)) == 2


def test_metrics_of_one_family_are_not_mixed(catalog: SqliteCatalog) -> None:
    """One type for all of them is how cards write it."""
    results = [
        report(name, value, "Imagined News", type="rouge")
        for name, value in [("ROUGE-1", 44.0), ("ROUGE-2", 21.0), ("ROUGE-L", 36.0)]
    ]
    put_card(catalog, "nimbus/news", write_reports(*results))
    put_card(catalog, "nimbus/other", write_reports(report("ROUGE-2", 22.0, "Imagined News", type="rouge")))
    assert leaders(catalog, metric="ROUGE-2") == ["other", "news"]
    assert leaders(catalog, metric="ROUGE-1") == ["news"]
    rankings = {ranking.metric: len(ranking.rows) for ranking in list_leaders(catalog, metric="ROUGE")}
    assert rankings == {"ROUGE-2": 2, "ROUGE-1": 1, "ROUGE-L": 1}


def test_averages_and_thresholds_are_kept_apart(catalog: SqliteCatalog) -> None:
    for model, name, value in [
        ("a", "F1 (macro)", 0.7), ("b", "F1 (micro)", 0.9), ("c", "mAP@50", 0.8), ("d", "mAP@75", 0.6),
    ]:  # fmt: skip
        put_card(catalog, f"nimbus/{model}", write_reports(report(name, value, VOICES, type="score")))
    assert [len(ranking.rows) for ranking in list_leaders(catalog)] == [1, 1, 1, 1]


def test_a_metric_nobody_has_heard_of_is_matched_by_its_letters(catalog: SqliteCatalog) -> None:
    put_values(catalog, "Quill-Score", a=1.0)
    put_values(catalog, "точность", b=0.5)
    put_values(catalog, "полнота", c=0.7)
    assert leaders(catalog, metric="quill score") == ["a"]
    assert leaders(catalog, metric="Точность") == ["b"]
    assert leaders(catalog, metric="feather score") == []
    assert len(list_leaders(catalog)) == 3


def test_what_metadata_and_prose_both_say_ranks_once(catalog: SqliteCatalog) -> None:
    card = write_reports(
        report("WER", 12.5, VOICES, split="test"),
        body=f"# A model\n\nIt reaches a WER of 12.5 on the {VOICES} test set.\n",
    )
    put_card(catalog, "nimbus/twice", card)
    assert len(catalog.results()) == 2
    assert leaders(catalog, metric="wer") == ["twice"]


# -- data ---------------------------------------------------------------------------------------------


def put_voices(catalog: SqliteCatalog) -> None:
    for code, value in [("de", 11.0), ("fr", 9.0), ("it", 14.0), ("is", 21.0)]:
        card = write_reports(report("WER", value, VOICES, config=code, split="test"))
        put_card(catalog, f"nimbus/voices-{code}", card)
    put_values(catalog, "WER", "Read Aloud", reader=2.0)
    put_values(catalog, "WER", "朗读语料", mandarin=7.0)


@pytest.mark.parametrize(
    ("phrase", "first"),
    [
        ("imagined_voices", "voices-fr"),
        ("Imagined Voices, the German part", "voices-de"),
        ("the Imagined Voices test set in Italian", "voices-it"),
        ("imagined voices icelandic", "voices-is"),
        ("READ-ALOUD", "reader"),
        ("朗读语料", "mandarin"),
    ],
)
def test_data_is_found_as_people_name_it(catalog: SqliteCatalog, phrase: str, first: str) -> None:
    put_voices(catalog)
    found = leaders(catalog, metric="wer", dataset=phrase)
    assert found[0] == first
    if not phrase.startswith("imagined_"):
        assert found == [first]


@pytest.mark.parametrize("phrase", ["Nowhere Corpus", "the best of it", "", "???", "数据", "0"])
def test_data_that_nobody_reports_on_has_no_leader(catalog: SqliteCatalog, phrase: str) -> None:
    put_voices(catalog)
    assert closest_data(catalog.results(), phrase) == []
    assert phrase == "" or list_leaders(catalog, metric="wer", dataset=phrase) == []


def test_a_language_is_of_the_data_or_of_a_model_that_knows_no_other(catalog: SqliteCatalog) -> None:
    put_voices(catalog)
    for model, languages in [("monoglot", ["de"]), ("polyglot", ["de", "fr"])]:
        put_card(
            catalog, f"nimbus/{model}", write_reports(report("WER", 5.0, "telephone"), language=languages)
        )
    found = [
        row.model
        for ranking in list_leaders(catalog, metric="wer", language="German")
        for row in ranking.rows
    ]
    assert found == ["nimbus/monoglot", "nimbus/voices-de"]


def test_the_plain_data_set_goes_before_its_second_version(catalog: SqliteCatalog) -> None:
    put_values(catalog, "f1", "quizzes", plain=0.8)
    put_values(catalog, "f1", "quizzes v2", second=0.9)
    assert closest_data(catalog.results(), "quizzes v2")[0].model == "nimbus/second"
    scores = [row.model for row in closest_data(catalog.results(), "quizzes", share=0.99)]
    assert scores == ["nimbus/plain"]


def test_validation_is_the_development_set(catalog: SqliteCatalog) -> None:
    for split, value in [("validation", 0.8), ("test", 0.7)]:
        card = write_reports(report("f1", value, "quizzes", split=split))
        put_card(catalog, f"nimbus/{split}", card)
    assert closest_data(catalog.results(), "quizzes dev set", share=0.9)[0].model == "nimbus/validation"
    assert leaders(catalog, dataset="quizzes testing", metric="f1")[-1:] == ["test"]


def test_tasks_narrow_the_board(catalog: SqliteCatalog) -> None:
    put_card(catalog, "nimbus/tagger", write_reports(report("f1", 0.9, "X", task="token-classification")))
    put_card(catalog, "nimbus/reader", write_reports(report("f1", 0.8, "X", task="question-answering")))
    assert leaders(catalog, metric="f1", task="question-answering") == ["reader"]
    assert leaders(catalog, metric="f1", task="image-to-text") == []


# -- citing -------------------------------------------------------------------------------------------


def check_quotes(catalog: SqliteCatalog, rows: list[StoredResult]) -> list[list[str]]:
    """The texts that show each result, looked up where they claim to stand."""
    places = Places(catalog)
    shown = []
    for result in rows:
        card = catalog.get_card(result.model)
        assert card is not None
        quotes = quote_result(card, result.row)
        for locator, text in quotes:
            item = EvidenceLedger().add("results", result.source, locator, text, result.sha256)
            assert places.check(item).verdict == "holds", (locator, places.check(item).reason)
        shown.append([text for _, text in quotes])
    return shown


def test_a_result_is_shown_together_with_its_data(catalog: SqliteCatalog) -> None:
    card = write_reports(report("WER", 12.5, VOICES, split="test"), report("CER", 4.25, "Read Aloud"))
    put_card(catalog, "nimbus/speech", card)
    for result, texts in zip(catalog.results(), check_quotes(catalog, catalog.results()), strict=True):
        assert len(texts) == 1
        assert str(result.row.value) in texts[0]
        assert result.row.dataset in texts[0]


def test_what_stands_too_far_apart_is_shown_in_two_places(catalog: SqliteCatalog) -> None:
    many = report("WER", 12.5, VOICES)
    many["metrics"] = [{"type": f"m{number}", "value": number, "name": f"M {number}"} for number in range(40)]
    put_card(catalog, "nimbus/speech", write_reports(many))
    texts = check_quotes(catalog, catalog.results())
    assert (len(texts[0]), len(texts[-1])) == (1, 2)
    assert "39" in texts[-1][0]
    assert VOICES in texts[-1][1]


def test_results_in_tables_and_prose_can_be_cited(catalog: SqliteCatalog) -> None:
    body = f"""# Speech

## Evaluation results

| Dataset | Split | WER |
|---|---|---|
| {VOICES} | test | 12.5 |

On the Read Aloud test set it reaches a word error rate of 4.5%.
"""
    put_card(catalog, "nimbus/speech", body)
    rows = catalog.results()
    assert {row.row.origin for row in rows} == {"table", "prose"}
    for row, texts in zip(rows, check_quotes(catalog, rows), strict=True):
        assert any(str(row.row.value) in text for text in texts)


# -- conflicts ----------------------------------------------------------------------------------------


def conflicts(catalog: SqliteCatalog, *results: Any, body: str = "") -> list[Conflict]:
    put_card(catalog, "nimbus/quill", write_reports(*results, body=f"# Quill\n\n{body}\n"))
    return find_conflicts(catalog.results())


ACCURACY = report("Accuracy", 0.912, "Imagined Reviews", split="test", dataset_type="imagined_reviews")


@pytest.mark.parametrize(
    "prose",
    [
        "It reaches an accuracy of 94.5% on the Imagined Reviews test set.",
        "It reaches an accuracy of 0.945 on the test set.",  # of the only data the metadata speaks of
        "It reaches 94.5 accuracy on Imagined Reviews.",
    ],
)
def test_metadata_and_prose_that_disagree(catalog: SqliteCatalog, prose: str) -> None:
    (conflict,) = conflicts(catalog, ACCURACY, body=prose)
    assert conflict.model == "nimbus/quill"
    assert conflict.dataset == "Imagined Reviews"
    assert {row.row.origin for row in conflict.rows} == {"metadata", "prose"}
    assert sorted(round(fraction_of(row) or 0.0, 4) for row in conflict.rows) == [0.912, 0.945]
    check_quotes(catalog, list(conflict.rows))


@pytest.mark.parametrize(
    "prose",
    [
        "It reaches an accuracy of 91.2% on the Imagined Reviews test set.",
        "It reaches an accuracy of 0.91 on the Imagined Reviews test set.",  # rounded
        "It reaches an accuracy of 91.2 on the test set.",
        "It reaches an accuracy of 94.5% on the Imagined Reviews dev set.",
        "It reaches an accuracy of 94.5% on the Dreamt Reviews test set.",
        "It reaches an F1 of 0.945 on the Imagined Reviews test set.",
        "Nothing is reported here.",
    ],
)
def test_what_is_said_again_or_of_something_else_is_no_conflict(catalog: SqliteCatalog, prose: str) -> None:
    assert conflicts(catalog, ACCURACY, body=prose) == []


def test_a_value_of_one_of_several_data_sets_is_not_held_against_the_others(catalog: SqliteCatalog) -> None:
    other = report("Accuracy", 0.845, "Dreamt Reviews", split="test")
    vague = "It reaches an accuracy of 0.945 on the test set."
    assert conflicts(catalog, ACCURACY, other, body=vague) == []


@pytest.mark.parametrize(
    ("one", "two", "disagree"),
    [
        ({}, {}, True),
        ({"config": "de"}, {"config": "fr"}, False),
        ({"split": "dev"}, {"split": "validation"}, True),
        ({"split": "dev"}, {"split": "test"}, False),
        ({"config": "default"}, {}, True),
        ({"type": "wer"}, {"type": "cer"}, True),  # both are named WER
    ],
)
def test_metadata_that_disagrees_with_itself(
    catalog: SqliteCatalog, one: dict[str, Any], two: dict[str, Any], disagree: bool
) -> None:
    found = conflicts(catalog, report("WER", 12.5, VOICES, **one), report("WER", 14.5, VOICES, **two))
    assert len(found) == disagree


def test_other_scripts_are_told_apart(catalog: SqliteCatalog) -> None:
    assert conflicts(catalog, report("WER", 12.5, "Голоса"), report("WER", 14.5, "Чтение")) == []
    assert conflicts(catalog, report("точность", 0.5, "Голоса"), report("полнота", 0.7, "Голоса")) == []
    assert len(conflicts(catalog, report("WER", 12.5, "Голоса"), report("WER", 14.5, "Голоса"))) == 1


def test_two_sentences_far_apart_may_disagree(catalog: SqliteCatalog) -> None:
    first = "It reaches an accuracy of 0.912 on the Imagined Reviews test set."
    last = "It reaches an accuracy of 0.874 on the Imagined Reviews test set."
    put_card(catalog, "nimbus/quill", write_card(f"# Quill\n\n{first}\n\n{FAR}\n\n{last}\n"))
    (conflict,) = find_conflicts(catalog.results())
    assert sorted(float(row.row.value) for row in conflict.rows) == [0.874, 0.912]


def test_values_side_by_side_are_several_quantities(catalog: SqliteCatalog) -> None:
    table = "| Model | Threshold | F1 |\n|---|---|---|\n| quill | low | 0.81 |\n| quill | high | 0.92 |\n"
    put_card(catalog, "nimbus/quill", f"# Quill\n\n## Evaluation results\n\n{table}")
    printed = "# Quill\n\n## Evaluation results\n\n- MAE: 0.28\n- Log MAE: 0.12\n- Loss: 0.3\n"
    put_card(catalog, "nimbus/depth", printed)
    assert len(catalog.results()) >= 4
    assert find_conflicts(catalog.results()) == []


def test_two_models_do_not_contradict_each_other(catalog: SqliteCatalog) -> None:
    put_values(catalog, "wer", a=12.5, b=14.5)
    assert find_conflicts(catalog.results()) == []
