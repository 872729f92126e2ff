"""Text to vectors, behind the Protocol `indexer.types.Encoder`."""
