"""Charts as inline SVG and HTML: widths in per cent, so that they fit any screen; text is escaped here alone.

Numbers come in as numbers; every string is somebody else's until `text` has been at it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from typing import NamedTuple

SHADES = 6
"""Colours of parts, which the page's style names --c0 to --c5."""


MIN_COLUMNS = 8
"""Places for columns, so that one is not as wide as the chart."""


class Bar(NamedTuple):
    """A row of a chart: name, value, what is written of the value, and a name's further words."""

    name: str
    value: float
    shown: str
    detail: str = ""


def text(value: object) -> str:
    """Return a string as HTML, in text or an attribute, with all that can't be seen as escapes."""
    known = str(value)
    if not known.isprintable():
        known = "".join(c if c.isprintable() else c.encode("unicode_escape", "surrogatepass").decode() for c in known)
    return escape(known, quote=True)


def bars(rows: Iterable[Bar]) -> str:
    """Return horizontal bars, the longest of them the full width."""
    rows = list(rows)
    largest = max((row.value for row in rows), default=0) or 1
    return '<div class="bars">' + "".join(_bar(row, 100 * row.value / largest) for row in rows) + "</div>"


def parts(rows: Sequence[Bar]) -> str:
    """Return one bar of parts of a whole, and what each is."""
    whole = sum(row.value for row in rows) or 1
    start, keys = 0.0, []
    pieces = ['<rect class="track" width="100%" height="100%"/>']
    for number, row in enumerate(rows):
        width = 100 * row.value / whole
        colour = f"var(--c{number % SHADES})"
        title = f"{text(row.name)}: {text(row.shown)}"
        pieces.append(
            f'<rect x="{start:.2f}%" width="{width:.2f}%" height="100%" fill="{colour}"><title>{title}</title></rect>'
        )
        keys.append(f'<li><i style="background:{colour}"></i>{text(row.name)} <b>{text(row.shown)}</b></li>')
        start += width
    said = text(", ".join(f"{row.name} {row.shown}" for row in rows))
    return (
        f'<svg class="parts" role="img" aria-label="{said}" width="100%" height="18">{"".join(pieces)}</svg>'
        f'<ul class="keys">{"".join(keys)}</ul>'
    )


def columns(rows: Sequence[Bar]) -> str:
    """Return upright columns in the order given, and the names of the first and the last."""
    largest = max((row.value for row in rows), default=0) or 1
    step = 100 / max(MIN_COLUMNS, len(rows))
    drawn = ""
    for place, row in enumerate(rows):
        left, height = place * step + step * 0.1, 100 * row.value / largest
        drawn += (
            f'<rect x="{left:.2f}%" width="{step * 0.8:.2f}%" y="{100 - height:.2f}%" height="{height:.2f}%" '
            f'fill="var(--c0)"><title>{text(row.name)}: {text(row.shown)}</title></rect>'
        )
    ends = (rows[0], rows[-1]) if len(rows) > 1 else rows
    foot = "".join(f"<span>{text(row.name)}<br>{text(row.shown)}</span>" for row in ends)
    said = text(", ".join(f"{row.name} {row.shown}" for row in rows))
    return f'<svg role="img" aria-label="{said}" width="100%" height="110">{drawn}</svg><div class="ends">{foot}</div>'


def _bar(row: Bar, width: float) -> str:
    detail = f" <small>{text(row.detail)}</small>" if row.detail else ""
    return (
        f'<div class="bar"><span class="name">{text(row.name)}{detail}</span>'
        f'<svg role="img" aria-label="{text(row.name)}: {text(row.shown)}" width="100%" height="14">'
        f'<rect class="track" width="100%" height="100%" rx="3"/>'
        f'<rect width="{width:.2f}%" height="100%" rx="3" fill="var(--c0)"/></svg>'
        f"<b>{text(row.shown)}</b></div>"
    )
