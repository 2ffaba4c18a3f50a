"""The obstacles of the state cost, from the deck that every output file holds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rhoflux.files import AnyPath, open_file, read_dataset

Limits = tuple[float, float]


@dataclass
class Obstacles:
    """The obstacles of the state cost of a run (objective.state_cost_potential in its deck)."""

    kind: str  # circles, quadrics or balls
    parts: list[list[list[float]]]  # for each obstacle: its centre (D), then its other lists of numbers

    def depth(self, points: np.ndarray) -> np.ndarray:
        """Positive inside an obstacle, negative outside (...): the largest over the obstacles, for points (..., D)."""
        return np.max([self._depth(points, *part) for part in self.parts], axis=0)

    def shown_whole(self, x_limits: Limits, y_limits: Limits) -> tuple[Limits, Limits]:
        """Limits of a plane that show round obstacles whole; those of others are left as they are."""
        if self.kind == "quadrics":
            return x_limits, y_limits

        def widened(k: int, low: float, high: float) -> Limits:
            reach = [(centre[k], 1.15 * radius[0]) for centre, radius in self.parts]
            return min(low, *(c - r for c, r in reach)), max(high, *(c + r for c, r in reach))

        return widened(0, *x_limits), widened(1, *y_limits)

    def _depth(self, points: np.ndarray, centre: list[float], *shape: list[float]) -> np.ndarray:
        squares = (points - np.array(centre)) ** 2
        if self.kind == "quadrics":
            return shape[1][0] - squares @ np.array(shape[0])
        return shape[0][0] - np.sqrt(squares.sum(axis=-1))


def read_obstacles(path: AnyPath) -> Obstacles | None:
    """The obstacles of the run that a file comes from, or None if it had none."""
    with open_file(path) as file:
        if "deck" not in file:
            return None
        deck = str(np.ravel(read_dataset(file, "deck"))[0].decode())
    texts = [line.split("=", 1)[1].split() for line in deck.splitlines() if line.startswith("state_cost_potential =")]
    if not texts or not texts[0] or texts[0][0] not in ("circles", "quadrics", "balls"):
        return None
    kind, *rest = texts[0]
    parts = [[[float(n) for n in field.split(",")] for field in part.split(":")] for part in "".join(rest).split(";")]
    return Obstacles(kind, parts)
