"""Prompts: versioned data files and their loader."""

from prompts.loader import Prompt, PromptError, load_prompt, parse_prompt

__all__ = ["Prompt", "PromptError", "load_prompt", "parse_prompt"]
