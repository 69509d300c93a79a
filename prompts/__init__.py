"""Prompts: versioned data files and their loader."""
