"""Decode: a file's bytes to text, or the finding that they are none. The one place that tells text from binary.

Byte order marks decide; then UTF-16 and UTF-32 without one, when most code units are ASCII; then UTF-8. What is no
UTF-8 is read line by line, each as UTF-8 where it is valid and as Windows-1252 where it is not, so that a file of mixed
encodings keeps every line. ASCII comes through in all of these, and identifiers are ASCII. A statistical detector
(charset-normalizer) would read the comments of the other single-byte and East Asian encodings right, but costs
milliseconds a file and guesses wrongly on short ones.

Line ends stay as they are, so that spans fit the file; only in text without any line feed are carriage returns, the
line ends of the classic Mac OS, made line feeds.
"""

from __future__ import annotations

import codecs
import unicodedata
from dataclasses import dataclass

MAX_CONTROL_SHARE = 0.3
"""Of valid UTF-8: more control characters than this, and it is no text."""

MAX_CONTROL_SHARE_LEGACY = 0.05
"""Of anything else: text in a legacy encoding holds next to none, compressed data about 0.11."""

MAX_NUL_SHARE = 0.002
"""Of UTF-8 text with NUL bytes in it; one is always allowed. Executables, images and archives hold far more."""

MAX_ODD_SHARE_WIDE = 0.1
"""Of UTF-16 and UTF-32: control, unassigned and private characters; random bytes make 0.15 of these."""

_ODD = frozenset({"Cc", "Cn", "Co", "Cs"})
_BOMS = (
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_WIDE = (("utf-32-le", 4, 0), ("utf-32-be", 4, 3), ("utf-16-le", 2, 0), ("utf-16-be", 2, 1))
"""Codec, bytes a code unit, and which of them holds an ASCII character."""

_NOT_CONTROL = bytes({*range(0x20, 0x7F), *range(0x80, 0x100), *b"\t\n\v\f\r\b\x1a\x1b"})


@dataclass(frozen=True, slots=True)
class Decoded:
    """Text without its byte order mark, always encodable as UTF-8, and the name of the encoding it came in.

    The name is Python's for the codec, or "mixed" where lines of UTF-8 and Windows-1252 stand side by side.
    """

    text: str
    encoding: str


@dataclass(frozen=True, slots=True)
class NotText:
    """The content is binary; `detail` says how that shows."""

    detail: str


def decode(content: bytes) -> Decoded | NotText:
    """Return the text of a file's content, or why it is none; never raises."""
    found = _decode(content)
    if isinstance(found, Decoded) and "\r" in found.text and "\n" not in found.text:
        return Decoded(found.text.replace("\r", "\n"), found.encoding)
    return found


def _decode(content: bytes) -> Decoded | NotText:
    for bom, encoding in _BOMS:
        if not content.startswith(bom):
            continue
        if encoding == "utf-8":
            content = content[len(bom) :]
            break
        text = _decode_wide(content[len(bom) :], encoding, errors="replace")
        if text is not None:
            return Decoded(text, encoding)
    nuls = content.count(0)
    if not nuls:
        return _decode_bytes(content)
    for encoding, width, place in _WIDE:
        if _is_wide(content, width, place) and (text := _decode_wide(content, encoding, errors="strict")) is not None:
            return Decoded(text, encoding)
    if nuls > max(1, MAX_NUL_SHARE * len(content)):
        return NotText(f"{nuls:,} NUL bytes")
    found = _decode_bytes(content.replace(b"\0", b" "))
    if isinstance(found, Decoded) and found.encoding == "utf-8":
        return found
    return NotText("a NUL byte" if nuls == 1 else f"{nuls:,} NUL bytes")


def _decode_bytes(content: bytes) -> Decoded | NotText:
    """Decode content without NUL bytes."""
    controls = len(content.translate(None, _NOT_CONTROL))
    try:
        found = Decoded(content.decode("utf-8"), "utf-8")
        allowed = MAX_CONTROL_SHARE
    except UnicodeDecodeError:
        found = _decode_lines(content)
        allowed = MAX_CONTROL_SHARE_LEGACY
    if controls > allowed * len(content):
        return NotText(f"{controls / len(content):.0%} control characters")
    return found


def _decode_lines(content: bytes) -> Decoded:
    lines, encodings = [], set()
    for line in content.splitlines(keepends=True):
        if line.isascii():
            lines.append(line.decode("ascii"))
            continue
        text, encoding = _decode_line(line)
        lines.append(text)
        encodings.add(encoding)
    return Decoded("".join(lines), encodings.pop() if len(encodings) == 1 else "mixed")


def _decode_line(line: bytes) -> tuple[str, str]:
    for encoding in ("utf-8", "cp1252"):
        try:
            return line.decode(encoding), encoding
        except UnicodeDecodeError:
            continue
    # Five bytes are undefined in Windows-1252; browsers, too, then read C1 controls.
    return line.decode("latin-1"), "cp1252"


def _is_wide(content: bytes, width: int, place: int) -> bool:
    """Whether at least three quarters of the code units are ASCII characters."""
    units, rest = divmod(len(content), width)
    if rest or not units:
        return False
    planes = [content[offset::width] for offset in range(width)]
    padding = min(plane.count(0) for offset, plane in enumerate(planes) if offset != place)
    characters = planes[place]
    return padding >= 0.75 * units and len(characters.translate(None, _NOT_CONTROL)) <= 0.01 * units


def _decode_wide(content: bytes, encoding: str, *, errors: str) -> str | None:
    """Decode UTF-16 or UTF-32, or return None where the outcome is no text."""
    try:
        text = content.decode(encoding, errors)
    except UnicodeDecodeError:
        return None
    sample = text[:10_000]
    odd = sample.count("\ufffd") + sum(unicodedata.category(char) in _ODD and not char.isspace() for char in sample)
    return text.replace("\0", " ") if odd <= MAX_ODD_SHARE_WIDE * len(sample) + 1 else None
