"""Presets: TOML data only."""
