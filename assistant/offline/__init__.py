"""The offline engine: questions planned and answers composed by rules, no language model."""
