"""The page: its parts in their order, and its style."""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Sequence

from rhoflux.report.html import Html, element, joined

STYLE = """
:root { color-scheme: light dark; --page: #fff; --ink: #1c2430; --dim: #5a6675; --line: #d9dfe6; --box: #f5f7fa; --link: #1d5fa8;
  --bad: #9c2f1c; --bad-box: #fdf0ec; --good: #23693f; --shade: 46 117 182; }
@media (prefers-color-scheme: dark) { :root { --page: #14181d; --ink: #dfe5ec; --dim: #9aa6b4; --line: #333c47; --box: #1d232b;
  --link: #7db4ee; --bad: #ff9c85; --bad-box: #33201b; --good: #7fce9c; --shade: 93 161 223; } }
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; scroll-behavior: smooth; }
body { margin: 0 auto; padding: 1.5rem clamp(1rem, 4vw, 3rem) 4rem; max-width: 68rem; background: var(--page); color: var(--ink);
  font: 1rem/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Liberation Sans", "DejaVu Sans", sans-serif;
  overflow-wrap: anywhere; }
h1 { font-size: clamp(1.5rem, 4vw, 2rem); line-height: 1.2; margin: 0.5rem 0; }
h2 { font-size: 1.3rem; line-height: 1.3; margin: 3rem 0 0.75rem; padding-top: 0.75rem; border-top: 1px solid var(--line); }
h3 { font-size: 1.05rem; margin: 1.75rem 0 0.5rem; }
p, ul { max-width: 46rem; margin: 0.6rem 0; }
a { color: var(--link); }
nav ul { display: flex; flex-wrap: wrap; gap: 0.15rem 1.1rem; list-style: none; margin: 1rem 0; padding: 0; max-width: none; }
.dim, .note { color: var(--dim); }
.note { font-size: 0.88rem; }
.figures { display: grid; grid-template-columns: repeat(auto-fit, minmax(9.5rem, 1fr)); gap: 0.75rem; margin: 1.25rem 0; }
.figures div { background: var(--box); border: 1px solid var(--line); border-radius: 0.5rem; padding: 0.6rem 0.8rem; }
.figures dt { color: var(--dim); font-size: 0.82rem; line-height: 1.3; }
.figures dd { margin: 0.2rem 0 0; font-size: 1.3rem; font-weight: 600; line-height: 1.25; font-variant-numeric: tabular-nums; }
.figures dd small { display: block; font-size: 0.78rem; font-weight: 400; color: var(--dim); }
.warnings, .failure { background: var(--bad-box); border-left: 4px solid var(--bad); border-radius: 0.25rem; padding: 0.6rem 1rem;
  margin: 1rem 0; }
.warnings h3 { margin: 0; color: var(--bad); }
.warnings ul { padding-left: 1.1rem; margin: 0.4rem 0; max-width: none; }
.bad { color: var(--bad); font-weight: 600; }
.good { color: var(--good); font-weight: 600; }
.scroll { overflow-x: auto; margin: 0.9rem 0; }
table { border-collapse: collapse; font-size: 0.9rem; line-height: 1.4; font-variant-numeric: tabular-nums; overflow-wrap: normal; }
th, td { text-align: left; vertical-align: top; padding: 0.3rem 0.9rem 0.3rem 0; border-bottom: 1px solid var(--line); }
th { color: var(--dim); font-weight: 600; vertical-align: bottom; }
.number { text-align: right; white-space: nowrap; padding-left: 0.5rem; }
th[scope=row] { white-space: nowrap; font-weight: 400; vertical-align: top; }
td.wide { min-width: 11rem; max-width: 44rem; overflow-wrap: anywhere; }
tbody td:first-child { min-width: 7rem; }
pre { overflow-x: auto; background: var(--box); border: 1px solid var(--line); border-radius: 0.4rem; padding: 0.75rem; margin: 0.6rem 0;
  font: 0.82rem/1.45 ui-monospace, "Liberation Mono", "DejaVu Sans Mono", monospace; overflow-wrap: normal; max-height: 32rem; }
summary { cursor: pointer; color: var(--link); margin: 0.6rem 0; }
figure { margin: 1rem 0; }
figure img { display: block; max-width: 100%; height: auto; background: #fff; border: 1px solid var(--line); border-radius: 0.4rem; }
figcaption { color: var(--dim); font-size: 0.88rem; max-width: 46rem; margin-top: 0.4rem; }
@media (max-width: 40rem) { th[scope=row] { white-space: normal; } figure img.broad { max-width: none; width: 42rem; } }
@media print {
  body { max-width: none; padding: 0; font-size: 10pt; }
  nav, details:not([open]) { display: none; }
  h2, h3 { break-after: avoid; } figure, tr, .figures { break-inside: avoid; }
  table { font-size: 8pt; } td.wide { min-width: 0; } figure img { max-height: 22cm; width: auto; }
  .scroll, pre { overflow: visible; max-height: none; white-space: pre-wrap; }
}
"""

# No script, and nothing from outside, even if a text of a file should get past the escaping.
POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"


@dataclass
class Part:
    """A section as it is shown."""

    name: str  # also the target of links
    title: str
    content: Html


def make_page(title: str, intro: Html, parts: Sequence[Part]) -> str:
    links = element("ul", *(element("li", element("a", part.title, href=f"#{part.name}")) for part in parts))
    sections = joined(element("section", element("h2", part.title), part.content, id=part.name) for part in parts)
    head = joined(
        [
            Html('<meta charset="utf-8">'),
            Html(f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'),
            Html('<meta name="viewport" content="width=device-width, initial-scale=1">'),
            element("title", title),
            element("style", Html(STYLE)),
        ]
    )
    body = joined([element("header", element("h1", title)), intro, element("nav", links, aria_label="Sections"), sections])
    return f'<!DOCTYPE html>\n<html lang="en">\n<head>{head}</head>\n<body>\n{body}\n</body>\n</html>\n'


def write_page(path: Path, text: str) -> None:
    """Writes the whole page or nothing; an OSError says why not."""
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        mask = os.umask(0)
        os.umask(mask)
        os.chmod(temporary, 0o666 & ~mask)
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise
