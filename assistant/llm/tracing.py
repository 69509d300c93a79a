"""LangChain can send every prompt to a tracing service when the environment says so; here it never does."""

from __future__ import annotations


def forbid_tracing() -> None:
    """Turn LangSmith tracing off for this process, whatever LANGSMITH_TRACING or LANGCHAIN_TRACING_V2 say.

    Cards may be private, and nothing but the configured service may be contacted.
    """
    import langsmith

    langsmith.configure(enabled=False)
