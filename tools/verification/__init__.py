"""Checking an answer against its evidence, by code."""

from tools.verification.annotate import annotate_answer
from tools.verification.verifier import verify_answer

__all__ = ["annotate_answer", "verify_answer"]
