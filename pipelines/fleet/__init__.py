"""Many repositories as one: each is a shard, an ordinary index; a manifest says which generations belong together."""
