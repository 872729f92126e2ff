"""Order, wiring, and everything a person meets."""
