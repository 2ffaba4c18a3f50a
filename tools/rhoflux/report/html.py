"""HTML as text that cannot be injected into: what is not made here is escaped."""

from __future__ import annotations

import html
import re
from typing import Any, Collection, Iterable, Sequence

NOT_TEXT = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")  # no characters of HTML


class Html(str):
    """Text that is HTML already."""


def escaped(value: Any) -> Html:
    """Any value as the text that a browser shows for it; Html stays as it is."""
    if isinstance(value, Html):
        return value
    return Html(html.escape(NOT_TEXT.sub("\ufffd", str(value)), quote=True))


def joined(parts: Iterable[Any]) -> Html:
    return Html("".join(escaped(part) for part in parts))


def element(tag: str, *children: Any, **attributes: Any) -> Html:
    """<tag attributes>children</tag>; a trailing underscore of a name (class_) is dropped, None leaves an attribute out."""
    text = "".join(
        f' {name.rstrip("_").replace("_", "-")}="{escaped(value)}"' for name, value in attributes.items() if value is not None
    )
    return Html(f"<{tag}{text}>{joined(children)}</{tag}>")


def paragraph(*children: Any, **attributes: Any) -> Html:
    return element("p", *children, **attributes)


def note(*children: Any) -> Html:
    """A remark in smaller letters."""
    return paragraph(*children, class_="note")


def table(header: Sequence[Any], rows: Sequence[Sequence[Any]], text: Collection[int] = (0,)) -> Html:
    """A table that scrolls in a box of its own; the columns `text` stand to the left, numbers to the right."""

    def cells(tag: str, row: Sequence[Any], **attributes: Any) -> Html:
        looks = [None if k in text else "number" for k in range(len(row))]
        return element("tr", *(cell(value, look, tag, **attributes) for value, look in zip(row, looks)))

    head = element("thead", cells("th", header, scope="col"))
    body = element("tbody", *(cells("td", row) for row in rows))
    return element("div", element("table", head, body), class_="scroll", tabindex="0")


def pairs(rows: Sequence[tuple[Any, Any]]) -> Html:
    """A table of names and what they stand for."""
    lines = (element("tr", element("th", name, scope="row"), cell(value, "wide")) for name, value in rows)
    return element("div", element("table", element("tbody", *lines)), class_="scroll", tabindex="0")


def cell(value: Any, look: str | None = None, tag: str = "td", **attributes: Any) -> Html:
    """A cell of a table; what is one already stays."""
    if isinstance(value, Html) and value.startswith("<td"):
        return value
    return element(tag, value, class_=look, **attributes)


def shaded(value: Any, share: float) -> Html:
    """A cell of a table whose background is as strong as a share from 0 to 1."""
    return element("td", value, class_="number", style=f"background: rgb(var(--shade) / {0.55 * min(max(share, 0), 1):.3f})")


def listing(text: str, summary: Any) -> Html:
    """A text of several lines, folded away under its summary."""
    return element("details", element("summary", summary), element("pre", text, tabindex="0"))


def number(value: Any, digits: int = 4) -> str:
    """A figure as people read it, with its last zeros; a dash where there is none."""
    if value is None or value != value:
        return "–"
    return f"{value:#.{digits}g}".rstrip(".").replace("e-0", "e-").replace("e+0", "e+")


def count(value: int, one: str, many: str | None = None) -> str:
    """As in 1 row, 2 rows."""
    return f"{value} {one if value == 1 else many or one + 's'}"
