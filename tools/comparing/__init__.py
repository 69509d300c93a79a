"""Two models side by side: their weights, configurations, tokenizers and cards."""
