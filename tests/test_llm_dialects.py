"""Tool calls in text: the dialects that are read, and the texts that are answers all the same."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assistant.llm.dialects import WrittenCall, find_written_calls, strip_thought

TOOLS = ("search_models", "read_card")
CALL = WrittenCall("search_models", {"query": "legal texts", "limit": 3})
ARGUMENTS = '{"query": "legal texts", "limit": 3}'
JSON = '{"name": "search_models", "arguments": {"query": "legal texts", "limit": 3}}'

DIALECTS = {
    "hermes": f"<tool_call>\n{JSON}\n</tool_call>",
    "hermes, not closed": f"<tool_call>\n{JSON}",
    "words before": f"I will look that up.\n<tool_call>{JSON}</tool_call>",
    "qwen coder": "<tool_call>\n<function=search_models>\n<parameter=query>\nlegal texts\n</parameter>\n"
    "<parameter=limit>\n3\n</parameter>\n</function>\n</tool_call>",
    "llama function tag": '<function=search_models>{"query": "legal texts", "limit": 3}</function>',
    "llama python tag": f'<|python_tag|>{{"name": "search_models", "parameters": {ARGUMENTS}}}',
    "llama bare": f'{{"type": "function", "name": "search_models", "parameters": {ARGUMENTS}}}',
    "mistral": f"[TOOL_CALLS][{JSON}]",
    "mistral v11": '[TOOL_CALLS]search_models[ARGS]{"query": "legal texts", "limit": 3}',
    "deepseek": "<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>function<｜tool▁sep｜>search_models\n```json\n"
    '{"query": "legal texts", "limit": 3}\n```<｜tool▁call▁end｜><｜tool▁calls▁end｜>',
    "invoke": '<function_calls>\n<invoke name="search_models">\n'
    '<parameter name="query">legal texts</parameter>\n<parameter name="limit">3</parameter>\n'
    "</invoke>\n</function_calls>",
    "react": f"Thought: I must search.\nAction: search_models\nAction Input: {ARGUMENTS}",
    "gpt-oss": f"<|channel|>commentary to=functions.search_models <|constrain|>json<|message|>{ARGUMENTS}",
    "functions": f"functions.search_models({ARGUMENTS})",
    "fenced": f"```json\n{JSON}\n```",
    "list": f"[{JSON}]",
    "openai": '{"tool_calls": [{"id": "1", "type": "function", "function": {"name": "search_models", '
    '"arguments": "{\\"query\\": \\"legal texts\\", \\"limit\\": 3}"}}]}',
    "tool and input": '{"tool": "search_models", "input": {"query": "legal texts", "limit": 3}}',
    "python": '[search_models(query="legal texts", limit=3)]',
    "tool code": '```tool_code\nprint(search_models(query="legal texts", limit=3))\n```',
}


@pytest.mark.parametrize("text", DIALECTS.values(), ids=DIALECTS.keys())
def test_each_dialect_gives_the_call(text: str) -> None:
    assert find_written_calls(text, TOOLS) == [CALL]


def test_several_calls_at_once() -> None:
    other = '{"name": "read_card", "arguments": {"model": "a/b"}}'
    text = f"<tool_call>{JSON}</tool_call>\n<tool_call>{other}</tool_call>"
    assert find_written_calls(text, TOOLS) == [CALL, WrittenCall("read_card", {"model": "a/b"})]


@pytest.mark.parametrize(
    "text",
    [
        "<tool_call>{'name': search_models}</tool_call>",
        '<tool_call>{"name": "format_disk", "arguments": {}}</tool_call>',
        '{"name": "search_models", "arguments": {"query": "cut off',
        "Action: open_browser\nAction Input: something",
        "search_models(legal texts)",
    ],
)
def test_an_attempt_that_cannot_be_read_is_no_answer(text: str) -> None:
    assert find_written_calls(text, TOOLS) == []


@pytest.mark.parametrize(
    "text",
    [
        "",
        "`a/b` summarises legal texts [E1].",
        f"The card shows how it calls tools: {DIALECTS['hermes']} [E3].",
        "No card states that. The tool search_models found nothing.",
        '{"answer": "a/b", "why": "its card says so"}',
        "[a/b](https://example.org) is a model.",
        "Models: [x, y]",
        "I looked with search_models(query) and found nothing.",
    ],
)
def test_answers_stay_answers(text: str) -> None:
    assert find_written_calls(text, TOOLS) is None


def test_arguments_that_are_no_object_are_handed_on_as_they_are() -> None:
    text = '<tool_call>{"name": "search_models", "arguments": "legal texts"}</tool_call>'
    assert find_written_calls(text, TOOLS) == [WrittenCall("search_models", "legal texts")]


def test_python_is_read_and_never_run() -> None:
    text = '[search_models(query=__import__("os").getcwd())]'
    assert find_written_calls(text, TOOLS) == []


_PIECES = st.sampled_from(
    ["<tool_call>", "</tool_call>", "<function=", ">", "[TOOL_CALLS]", "Action: ", "```", "\n",
     "{", "}", "[", "]", "(", ")", '"name"', '"search_models"', ":", ",", "'", "\\", "\x00", "é", " "]
)  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(st.lists(_PIECES, max_size=40).map("".join))
def test_no_text_is_too_odd(text: str) -> None:
    calls = find_written_calls(text, TOOLS)
    assert calls is None or all(call.name in TOOLS for call in calls)


@pytest.mark.parametrize("text", ["{" * 20_000, "[" * 19_000, "<function=a>" * 1500, "search_models(" * 1400])
def test_long_nonsense_takes_no_time(text: str) -> None:
    find_written_calls(text, TOOLS)


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("<think>hm</think>\nYes.", "Yes."),
        ("<thinking>hm</thinking>Yes.", "Yes."),
        ("<think>never closed", ""),
        ("hm</think>Yes.", "Yes."),
        ("It says [E1] </think> there.", "It says [E1] </think> there."),
        ("Yes.", "Yes."),
    ],
)
def test_thoughts_are_cut(text: str, answer: str) -> None:
    assert strip_thought(text) == answer
