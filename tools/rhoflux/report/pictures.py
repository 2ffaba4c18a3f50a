"""Pictures as parts of the page: those of rhoflux-plot, and figures by time."""

from __future__ import annotations

import base64
import contextlib
import importlib
import io
from pathlib import Path
from typing import Any, Sequence

import numpy as np

from rhoflux.report.html import Html, element, escaped

DPI = 130


def plotted(folder: Path, alt: str, caption: Any, *arguments: Any) -> Html:
    """What rhoflux-plot draws with these arguments."""
    from rhoflux.plot import make_parser

    path = folder / "picture.png"
    parsed = make_parser().parse_args([*map(str, arguments), "--output", str(path), "--dpi", str(DPI)])
    with _plain_text(), contextlib.redirect_stdout(io.StringIO()):
        importlib.import_module(f"rhoflux.plots.{parsed.command.name}").draw(parsed)
    content = path.read_bytes()
    path.unlink()
    return picture(content, alt, caption)


def by_time(panels: Sequence[tuple[str, dict[str, tuple[np.ndarray, np.ndarray]]]], label: str, alt: str, caption: Any) -> Html:
    """A panel for each title, with a line of (t, value) for each name."""
    from matplotlib import pyplot as plt

    from rhoflux.plots.drawing import tidy

    with _plain_text():
        figure, axes = plt.subplots(1, len(panels), figsize=(3.3 * len(panels), 2.9), squeeze=False, layout="constrained")
        for one, (title, lines) in zip(axes[0], panels):
            for (name, (t, value)), style in zip(lines.items(), ("o-", "s--", "^:")):
                one.plot(t, value, style, markersize=4, linewidth=1.3, label=name, color="0.55" if name == "floor" else None)
            one.set_title(title, fontsize=10)
            one.set_xlabel(label)
            if len(lines) > 1:
                one.set_ylim(bottom=0)
                one.legend(frameon=False, fontsize=8)
            tidy(one)
        content = io.BytesIO()
        figure.savefig(content, dpi=DPI, format="png")
        plt.close(figure)
    return picture(content.getvalue(), alt, caption)


def picture(content: bytes, alt: str, caption: Any) -> Html:
    """A PNG inside the page; one that is broad scrolls on a narrow screen."""
    width, height = (int.from_bytes(content[k : k + 4], "big") for k in (16, 20))  # of the chunk IHDR
    image = Html(
        f'<img src="data:image/png;base64,{base64.b64encode(content).decode()}" alt="{escaped(alt)}" '
        f'width="{round(width * 96 / DPI)}" height="{round(height * 96 / DPI)}"'
        f'{" class=broad" if width > 1.6 * height else ""}>'
    )
    return element("figure", element("div", image, class_="scroll", tabindex="0"), element("figcaption", caption))


@contextlib.contextmanager
def _plain_text() -> Any:
    """No mathematics between dollar signs: names of coordinates are shown as they are."""
    import matplotlib

    matplotlib.use("Agg")
    wanted = {"text.parse_math": False} if "text.parse_math" in matplotlib.rcParams else {}
    with matplotlib.rc_context(wanted):
        yield
