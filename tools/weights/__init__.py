"""Weights as evidence: opening them, comparing two models, recovering a family."""
