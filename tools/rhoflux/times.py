"""Times as texts that tell them apart, and the time that a text names, as the program has them."""

from __future__ import annotations

from typing import Sequence

import numpy as np

ROUNDING = 2.0**-22  # largest relative difference of a time and the same time that has gone through float32


def named_time(times: np.ndarray, t: float) -> int | None:
    """Index of the time that t names: the nearest, if both are the same but for float32 rounding."""
    nearest = int(np.argmin(np.abs(times - t)))
    return nearest if abs(times[nearest] - t) <= ROUNDING * max(abs(times[nearest]), abs(t)) else None


def distinct_texts(times: Sequence[float], digits: int = 6) -> list[str]:
    """Texts of some times in their order, each within a hundredth of the least gap between two of them: so many digits, or as
    many more as that takes."""
    apart = np.unique(times)
    allowed = 0.01 * np.diff(apart).min() if len(apart) > 1 else np.inf
    texts: list[str] = []
    for count in range(digits, 18):
        texts = [f"{t:.{count}g}" for t in times]
        if all(abs(float(text) - t) <= allowed for text, t in zip(texts, times)):
            break
    return texts
