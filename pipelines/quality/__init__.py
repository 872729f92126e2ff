"""Which projection a build uses, and how well its vectors stand for the encoder's own."""
