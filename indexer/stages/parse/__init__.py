"""Source text to symbols: grammar, definitions, names."""
