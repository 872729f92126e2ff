"""One file over HTTP: resumed where it broke off, tried again while that may help, and checked before it is used."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from indexer.errors import ModelError

if TYPE_CHECKING:
    import httpx

ATTEMPTS = 6
"""In a row without a byte received; after 1, 2, 4, 8 and 16 seconds."""

MOST_WAIT_SECONDS = 60.0
STALLED_SECONDS = 30.0
"""A server that sends nothing for so long is asked again."""

MOST_REDIRECTS = 5
_RETRIED = frozenset({408, 425, 429, 500, 502, 503, 504})


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long a download keeps trying."""

    attempts: int = ATTEMPTS
    backoff_seconds: float = 1.0
    stalled_seconds: float = STALLED_SECONDS


class NotThereError(ModelError):
    """The server has no such file."""


class _BrokenOffError(Exception):
    """What may be otherwise when it is asked again, and after how many seconds that is worth it."""

    def __init__(self, why: str, wait_seconds: float | None = None) -> None:
        super().__init__(why)
        self.wait_seconds = wait_seconds


def open_client(patience: Patience) -> httpx.Client:
    """Return a client that follows a few redirects, but none from https to http."""
    import httpx

    def stay_secure(request: httpx.Request) -> None:
        before = request.extensions.get("indexer_scheme")
        if before == "https" and request.url.scheme != "https":
            raise ModelError(f"{request.url}: a redirect leads from https to http; it isn't followed")

    return httpx.Client(
        follow_redirects=True,
        max_redirects=MOST_REDIRECTS,
        timeout=patience.stalled_seconds,
        headers={"Accept-Encoding": "identity", "User-Agent": "codebase-indexer"},
        event_hooks={"request": [stay_secure]},
    )


def download(
    client: httpx.Client,
    url: str,
    target: Path,
    *,
    sha256: str | None,
    most_bytes: int,
    patience: Patience,
    on_bytes: Callable[[int, int | None], None] = lambda _done, _total: None,
) -> str:
    """Fetch a file to `target` and return its sha256; `on_bytes` is told how many bytes there are, of how many.

    What is there of an earlier attempt, in `target` with .part behind it, is carried on while the server says that its
    file is the same. Raises NotThereError, and ModelError when the server keeps failing, sends more than `most_bytes`,
    or sends something that does not have the `sha256`, twice.
    """
    part = target.with_name(target.name + ".part")
    target.parent.mkdir(parents=True, exist_ok=True)
    failures = lies = 0
    while True:
        before = _size(part)
        try:
            _fetch(client, url, part, most_bytes, on_bytes, is_known=sha256 is not None)
        except _BrokenOffError as error:
            failures = 0 if _size(part) > before else failures + 1
            if failures >= patience.attempts:
                kept = ", the part that came is kept" if _held(part, is_known=sha256 is not None) else ""
                raise ModelError(f"{url}: {error}; tried {failures} times{kept}") from error
            wait = patience.backoff_seconds * 2 ** max(0, failures - 1)
            time.sleep(min(MOST_WAIT_SECONDS, max(wait, error.wait_seconds or 0.0)))
            continue
        with part.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
        if sha256 is None or found == sha256:
            _tag(part).unlink(missing_ok=True)
            part.replace(target)
            return found
        _discard(part)
        lies += 1
        if lies > 1:
            raise ModelError(
                f"{url}: is not the file that is known, and was removed: sha256 {found[:12]}, not {sha256[:12]}"
            )


def _fetch(
    client: httpx.Client,
    url: str,
    part: Path,
    most_bytes: int,
    on_bytes: Callable[[int, int | None], None],
    *,
    is_known: bool,
) -> None:
    """Ask once for what is missing of a file; raises _BrokenOffError unless all is there."""
    import httpx

    tag, have = _version(part), _held(part, is_known=is_known)
    headers = {"Range": f"bytes={have}-"} if have else {}
    if have and tag:
        headers["If-Range"] = tag
    extensions = {"indexer_scheme": url.partition(":")[0], "timeout": client.timeout.as_dict()}
    try:
        with client.stream("GET", url, headers=headers, extensions=extensions) as response:
            _check_status(response, url)
            resumed = response.status_code == 206
            if resumed and not response.headers.get("content-range", "").startswith(f"bytes {have}-"):
                _discard(part)
                raise _BrokenOffError("the server sent another part than was asked for")
            if response.status_code == 416:
                _discard(part)
                raise _BrokenOffError("the server's file is shorter than what came before")
            have = have if resumed else 0
            length = response.headers.get("content-length", "")
            total = have + int(length) if length.isdecimal() else None
            if total is not None and total > most_bytes:
                raise ModelError(f"{url}: has {total:,} bytes, where no more than {most_bytes:,} are expected")
            etag = response.headers.get("etag", "")
            _tag(part).write_text(etag if not etag.startswith("W/") else "")
            with part.open("r+b" if resumed else "wb") as file:
                file.seek(have)
                for block in response.iter_raw():
                    have += len(block)
                    if have > most_bytes:
                        raise ModelError(f"{url}: sends more than the {most_bytes:,} bytes that are expected")
                    file.write(block)
                    on_bytes(have, total)
            if total is not None and have != total:
                raise _BrokenOffError(f"broke off after {have:,} of {total:,} bytes")
    except httpx.TooManyRedirects as error:
        raise ModelError(f"{url}: leads from one address to the next without an end") from error
    except httpx.TransportError as error:
        raise _BrokenOffError(f"{type(error).__name__}: {error}" if str(error) else type(error).__name__) from error
    except (httpx.InvalidURL, httpx.UnsupportedProtocol) as error:
        raise ModelError(f"{url}: {error}") from error


def _check_status(response: httpx.Response, url: str) -> None:
    status = response.status_code
    if status in _RETRIED:
        after = response.headers.get("retry-after", "")
        raise _BrokenOffError(f"the server answered {status}", float(after) if after.isdecimal() else None)
    if status in (404, 410):
        raise NotThereError(f"{url}: the server has no such file ({status})")
    if status not in (200, 206, 416):
        raise ModelError(f"{url}: the server answered {status}; --mirror URL names another, --from FOLDER takes files")
    if response.headers.get("content-encoding", "identity") != "identity":
        raise ModelError(f"{url}: the server sent it packed, though it was asked not to")


def _size(path: Path) -> int:
    return path.stat().st_size if path.is_file() else 0


def _held(part: Path, *, is_known: bool) -> int:
    """Return the bytes of a part that are carried on.

    All are where the server named the version of its file, or where the whole one's checksum `is_known`, else none.
    """
    return _size(part) if is_known or _version(part) else 0


def _version(part: Path) -> str:
    """Return the server's name for the version of the file that a part is of, "" where it gave none."""
    return _tag(part).read_text() if _tag(part).is_file() else ""


def _tag(part: Path) -> Path:
    """Where the server's name for the version of a file is kept beside the part of it."""
    return part.with_name(part.name + ".etag")


def _discard(part: Path) -> None:
    part.unlink(missing_ok=True)
    _tag(part).unlink(missing_ok=True)
