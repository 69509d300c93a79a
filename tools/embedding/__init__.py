"""Sentence embeddings without torch."""
