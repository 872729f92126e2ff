"""The page: one file without a script, that asks nothing of any network."""

from __future__ import annotations

from collections.abc import Iterator

from indexer.stages.detect import GENERATOR

from ..report import BuildReport
from ..report_text import drift_text, recall_text
from ..stats import Skips, Stats
from .charts import Bar, bars, columns, parts, text

MAX_LANGUAGES = 24

STYLE = """
:root{color-scheme:light dark;--bg:#fff;--card:#f6f7f9;--fg:#1c2024;--dim:#5f6b76;--line:#dfe3e8;--track:#e6eaef;
--c0:#2f6fde;--c1:#16956b;--c2:#c4711b;--c3:#9a4fc9;--c4:#c93d56;--c5:#6b7785}
@media (prefers-color-scheme:dark){:root{--bg:#101418;--card:#191f26;--fg:#e6eaee;--dim:#9aa7b3;--line:#2a323b;
--track:#262e37;--c0:#6ea8ff;--c1:#45c998;--c2:#f0a355;--c3:#c795ee;--c4:#f27d92;--c5:#93a1af}}
*{box-sizing:border-box}
body{margin:0;background:var(--bg);color:var(--fg);font:15px/1.45 system-ui,sans-serif}
main{max-width:1100px;margin:0 auto;padding:20px 16px 40px}
h1{font-size:22px;margin:0;overflow-wrap:anywhere}
h2{font-size:15px;margin:0 0 10px}
p{margin:4px 0;color:var(--dim);overflow-wrap:anywhere}
.grid{display:flex;flex-wrap:wrap;gap:14px;margin-top:18px}
section{background:var(--card);border:1px solid var(--line);border-radius:10px;padding:14px;min-width:0;flex:1 1 300px}
.wide{flex-basis:100%}
.figures{display:grid;grid-template-columns:repeat(auto-fit,minmax(125px,1fr));gap:12px;margin-top:16px}
.figures div{background:var(--card);border:1px solid var(--line);border-radius:10px;padding:10px 12px}
.figures b{display:block;font-size:21px;font-variant-numeric:tabular-nums}
.figures span,small{color:var(--dim);font-size:12.5px}
.bar{display:grid;grid-template-columns:minmax(0,8em) 1fr minmax(4em,auto);gap:10px;align-items:center;margin:6px 0}
.bar b{text-align:right;font-weight:600;font-variant-numeric:tabular-nums;font-size:13.5px}
.wide .bar{grid-template-columns:minmax(0,18em) 1fr minmax(4.5em,auto)}
.name{overflow-wrap:anywhere}
.wide .paths .bar{grid-template-columns:minmax(0,2fr) 1fr minmax(4.5em,auto)}
svg{display:block}.track{fill:var(--track)}.parts{border-radius:5px;overflow:hidden}
.keys{list-style:none;margin:8px 0 0;padding:0;display:flex;flex-wrap:wrap;gap:4px 16px}
.keys i{display:inline-block;width:10px;height:10px;border-radius:2px;margin-right:6px}
.ends{display:flex;justify-content:space-between;color:var(--dim);font-size:12.5px;margin-top:4px}
.ends span:last-child:not(:first-child){text-align:right}
details{border-top:1px solid var(--line);padding:8px 0}summary{cursor:pointer;overflow-wrap:anywhere}
details ul{margin:6px 0;padding-left:20px;color:var(--dim);font:12.5px/1.5 monospace;overflow-wrap:anywhere}
.warn{border-left:3px solid var(--c2);padding-left:10px}
@media (max-width:520px){.bar,.wide .bar,.wide .paths .bar{grid-template-columns:1fr auto}
.bar{row-gap:3px;margin:9px 0}.bar svg{grid-column:1/-1;grid-row:2;height:10px}}
"""


def page(stats: Stats) -> str:
    """Return the whole page."""
    head = (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">"
        f'<meta name="generator" content="{GENERATOR}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>Index of {text(stats.root)}</title><style>{STYLE}</style></head>"
    )
    return f"{head}<body><main>{''.join(_body(stats))}</main></body></html>\n"


def _body(stats: Stats) -> Iterator[str]:
    yield f"<h1>{text(stats.root)}</h1>"
    yield f"<p>generation {text(stats.generation)}, {text(stats.created)}, digest {text(stats.digest)}</p>"
    yield '<div class="figures">'
    for value, name in (
        (f"{stats.files:,}", "files indexed"),
        (f"{stats.skipped:,}", "files skipped"),
        (f"{stats.chunks:,}", "chunks"),
        (_size(stats.index_bytes), "index on disk"),
        (f"{stats.dims}", f"dims, {stats.encoder}"),
    ):
        yield f"<div><b>{text(value)}</b><span>{text(name)}</span></div>"
    yield '</div><div class="grid">'
    if stats.build is not None:
        yield from _build(stats.build)
    yield _section("Coverage by language", _languages(stats), wide=True)
    if stats.tiers:
        told = [Bar(str(tier), count, f"{count:,}") for tier, count in stats.tiers.items()]
        yield _section("Vectors by tier", parts(told))
    yield _section("Recall", _recall(stats))
    sizes = [
        Bar(f"generation {s.generation}", s.index_bytes, f"{_size(s.index_bytes)}, {_counted(s.chunks, 'chunk')}")
        for s in stats.sizes
    ]
    yield _section("Size over generations", columns(sizes))
    if stats.skips:
        yield _section("Skipped files", "".join(_skips(name, own) for name, own in stats.skips.items()), wide=True)
    yield "</div>"


def _build(report: BuildReport) -> Iterator[str]:
    files, chunks = report.files, report.chunks
    changed = bars(
        Bar(name, count, f"{count:,}")
        for name, count in (
            ("added", files.added),
            ("modified", files.modified),
            ("removed", files.removed),
            ("unchanged", files.unchanged),
        )
    )
    made = [
        Bar("embedded", chunks.embedded, f"{chunks.embedded:,}"),
        Bar("reused", chunks.reused, f"{chunks.reused:,}"),
    ]
    said = "" if report.committed else "<p>Nothing changed; the generation stays.</p>"
    said += f"<p>Made anew: {text(report.rebuilt)}</p>" if report.rebuilt else ""
    said += "".join(f'<p class="warn">{text(warning)}</p>' for warning in report.warnings)
    better = f"<p>{_counted(chunks.upgraded, 'vector')} replaced by the encoder's own</p>" if chunks.upgraded else ""
    yield _section("What changed", f"{said}<p>Files</p>{changed}<p>Chunks</p>{parts(made)}{better}")
    seconds = [Bar(stage, spent, f"{spent:.2f} s") for stage, spent in report.seconds.items()]
    yield _section(f"Seconds by stage ({sum(report.seconds.values()):.1f} s)", bars(seconds))
    if report.slowest:
        slow = [
            Bar(f.path, f.seconds, f"{1000 * f.seconds:.0f} ms", _counted(f.chunks, "chunk")) for f in report.slowest
        ]
        yield _section("Slowest files to parse", f'<div class="paths">{bars(slow)}</div>', wide=True)


def _languages(stats: Stats) -> str:
    leading = list(stats.languages.items())[:MAX_LANGUAGES]
    rows = []
    for name, own in leading:
        told = [_counted(own.files, "file"), _counted(own.chunks, "chunk")]
        told += [_counted(own.errors, "parse error")] if own.errors else []
        told += [f"{own.failures:,} by lines"] if own.failures else []
        rows.append(Bar(name, own.bytes, _size(own.bytes), ", ".join(told)))
    rest = len(stats.languages) - len(leading)
    return bars(rows) + (f"<p>and {rest} more languages</p>" if rest else "")


def _recall(stats: Stats) -> str:
    if stats.recall is None:
        return "<p>Not measured: it is when all vectors of a full build are the encoder's own.</p>"
    found = stats.recall
    shares = bars(
        (
            Bar(f"among the first {found.depth}", found.recall, f"{found.recall:.3f}"),
            Bar("among the first 10", found.overlap, f"{found.overlap:.3f}"),
        )
    )
    drift = f"<p>{text(drift_text(stats.drift))}</p>" if stats.drift else ""
    return f"{shares}<p>{text(recall_text(found))}</p>{drift}"


def _skips(reason: str, skips: Skips) -> str:
    listed = "".join(
        f"<li>{text(found.path)}{' · ' + text(found.detail) if found.detail else ''}</li>" for found in skips.paths
    )
    rest = skips.count - len(skips.paths)
    more = f"<li>and {rest:,} more</li>" if rest else ""
    return (
        f"<details><summary><b>{skips.count:,}</b> {text(reason)} <small>{text(skips.explanation)}</small></summary>"
        f"<ul>{listed}{more}</ul></details>"
    )


def _section(title: str, content: str, *, wide: bool = False) -> str:
    return f"<section{' class=wide' if wide else ''}><h2>{text(title)}</h2>{content}</section>"


def _counted(count: int, name: str) -> str:
    return f"{count:,} {name}{'' if count == 1 else 's'}"


def _size(count: float) -> str:
    for unit in ("B", "kB", "MB"):
        if count < 1000:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} GB"
