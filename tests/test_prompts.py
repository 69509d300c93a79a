"""Prompts are data: what they declare is what they use, and what is put in stays data."""

from __future__ import annotations

from importlib import resources

import pytest

from prompts import Prompt, PromptError, load_prompt, parse_prompt
from tools.hashing import hash_text

TEXT = "---\nname: greeting\nversion: 3\nvariables: [lake, models]\n---\n{{ lake }} holds {{models}}.\n"
SHIPPED = sorted(
    file.name.removesuffix(".md")
    for file in resources.files("prompts").iterdir()
    if file.name.endswith(".md")
)


def test_a_prompt_is_read_and_filled() -> None:
    prompt = parse_prompt("greeting", TEXT)
    assert (prompt.name, prompt.version) == ("greeting", 3)
    assert prompt.variables == {"lake", "models"}
    assert prompt.render(lake="This lake", models="two models") == "This lake holds two models."


def test_a_variable_may_be_used_twice() -> None:
    prompt = parse_prompt("twice", "---\nname: twice\nversion: 1\nvariables: [a]\n---\n{{ a }}-{{a}}")
    assert prompt.render(a="x") == "x-x"


@pytest.mark.parametrize("body", ["No variable here.", ""])
def test_a_prompt_may_have_no_variables(body: str) -> None:
    prompt = parse_prompt("plain", f"---\nname: plain\nversion: 1\nvariables: []\n---\n{body}")
    assert prompt.render() == body


@pytest.mark.parametrize(
    ("was", "now"),
    [
        ("[lake, models]", "[lake]"),  # used, not declared
        ("[lake, models]", "[lake, models, tasks]"),  # declared, not used
        ("[lake, models]", "[lake, model]"),  # misspelt
        ("[lake, models]", ""),
        ("[lake, models]", "lake"),
        ("[lake, models]", "[lake, [models]]"),
        ("name: greeting", "name: farewell"),
        ("version: 3", "version: newest"),
        ("version: 3", "revision: 3"),
        ("version: 3", "version: 3\nauthor: me"),
        ("version: 3", "version: [3"),
        ("---\nname", "name"),
        ("{{models}}", "{{ the-models }}"),
        ("{{models}}", "{{models}} {{ }}"),
        ("{{models}}", "{{models}} {{models"),
    ],
)
def test_a_typing_error_is_found_when_a_prompt_is_loaded(was: str, now: str) -> None:
    assert TEXT.count(was) == 1
    with pytest.raises(PromptError, match="'greeting'"):
        parse_prompt("greeting", TEXT.replace(was, now))


@pytest.mark.parametrize("given", [{}, {"lake": "x"}, {"lake": "x", "models": "y", "tasks": "z"}])
def test_a_prompt_is_filled_with_exactly_what_it_declares(given: dict[str, str]) -> None:
    with pytest.raises(PromptError, match=r"needs \['lake', 'models'\]"):
        parse_prompt("greeting", TEXT).render(**given)


@pytest.mark.parametrize(
    "value",
    ["{{ models }}", "{{lake}}", "\\1 \\g<0>", "---\nname: other\n---", "{models} %s $models", "模型 \u202e"],
)
def test_values_are_not_searched_for_variables(value: str) -> None:
    rendered = parse_prompt("greeting", TEXT).render(lake=value, models="two models")
    assert rendered == f"{value} holds two models."


def test_the_hash_is_that_of_the_whole_file() -> None:
    prompt = parse_prompt("greeting", TEXT)
    assert prompt.sha256 == hash_text(TEXT)
    changed = [TEXT.replace("holds", "has"), TEXT.replace("version: 3", "version: 4"), TEXT + "\n"]
    assert len({prompt.sha256, *(parse_prompt("greeting", text).sha256 for text in changed)}) == 4


def test_a_prompt_that_is_not_there() -> None:
    with pytest.raises(PromptError, match="There is no prompt 'nothing-of-the-kind'"):
        load_prompt("nothing-of-the-kind")


@pytest.mark.parametrize("name", SHIPPED)
def test_prompts_that_ship_load(name: str) -> None:
    prompt = load_prompt(name)
    assert isinstance(prompt, Prompt)
    values = dict.fromkeys(prompt.variables, "VALUE")
    rendered = prompt.render(**values)
    assert "{{" not in rendered
    assert rendered.count("VALUE") >= len(values)


def test_there_is_a_prompt() -> None:
    assert "assistant" in SHIPPED
