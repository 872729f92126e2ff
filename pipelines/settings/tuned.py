"""What `indexer tune` found to be best, by host and encoder, in a file of its own beside the user's settings."""

from __future__ import annotations

from pathlib import Path

import msgspec

from indexer.cores import cores
from indexer.errors import ConfigError

from ..whole_file import whole_file

FILE = "tuned.json"


class Tuned(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How an encoder is fed best on a host; each counts where no setting says otherwise."""

    token_budget: int
    threads: int
    providers: tuple[str, ...] = ()


def this_host() -> str:
    """Return the machine's name and how many of its cores this process may use."""
    import platform

    return f"{platform.node()}, {cores()} cores"


def read_tuned(path: Path) -> dict[str, dict[str, Tuned]]:
    """Return what is remembered by host and encoder's digest, nothing without a file; raises ConfigError."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=dict[str, dict[str, Tuned]])
    except FileNotFoundError:
        return {}
    except (OSError, msgspec.MsgspecError) as error:
        raise ConfigError(f"{path}: can't be read ({error}); remove it, and `indexer tune` writes it anew") from error


def remember(path: Path, host: str, digest: str, tuned: Tuned) -> None:
    """Put one host's and encoder's best beside the others; raises StorageError where that can't be written."""
    kept = read_tuned(path)
    kept.setdefault(host, {})[digest] = tuned
    path.parent.mkdir(parents=True, exist_ok=True)
    with whole_file(path) as file:
        file.write(msgspec.json.format(msgspec.json.encode(kept)) + b"\n")
