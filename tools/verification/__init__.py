"""Checking an answer against its evidence, by code."""
