"""Times as texts that tell them apart, and the time that a text names, as the program has them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Mapping, Sequence

import numpy as np

ROUNDING = 2.0**-22  # largest relative difference of a time and the same time that has gone through float32


UNITS = {"s": 1e6, "min": 6e7, "h": 3.6e9, "d": 8.64e10, "y": 365.25 * 8.64e10}  # of a calendar, in microseconds


@dataclass(frozen=True)
class TimeNames:
    """What data call their times: dates, where they have one for t = 0, or labels."""

    unit: str = ""
    origin: str = ""  # date and time at t = 0 (ISO 8601), or empty
    labels: Mapping[float, str] = field(default_factory=dict)

    def name(self, t: float) -> str:
        """The label of a time, else its date (without the time of day at midnight); empty where there is neither."""
        for value, label in self.labels.items():
            if abs(value - t) <= ROUNDING * max(abs(value), abs(t)):
                return label
        return self.date(t)

    def date(self, t: float) -> str:
        if not self.origin or self.unit not in UNITS or not abs(t * UNITS[self.unit]) < 2.0**62:
            return ""
        try:
            date = np.datetime64(self.origin.rstrip("Z"), "us") + np.timedelta64(round(t * UNITS[self.unit]), "us")
        except (ValueError, OverflowError):
            return ""
        if not np.datetime64("0000-01-01") <= date < np.datetime64("10000-01-01"):
            return ""
        day, clock = str(date).split("T")
        clock = clock[: -len(".000000")] if clock.endswith(".000000") else clock
        return day if clock == "00:00:00" else f"{day}T{clock}Z"

    def texts(self, times: Sequence[float], digits: int = 6) -> list[str]:
        """The texts of distinct_texts, each with the name of its time: 3 (2016-04-14)."""
        texts = distinct_texts(times, digits) if len(times) else []
        names = [self.name(float(t)) for t in times]
        return [f"{text} ({name})" if name and name != text else text for text, name in zip(texts, names)]


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
