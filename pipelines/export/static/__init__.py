"""How the static encoder is made: texts of pinned packages -> the transformer's vectors of them -> a fitted table."""
