"""Model files on this machine: which there are, fetched, checked and removed, and tables distilled from them."""
