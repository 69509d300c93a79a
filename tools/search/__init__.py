"""Finding models: dense, lexical and field evidence, fused."""
