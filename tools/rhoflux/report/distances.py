"""Exact Wasserstein distances between points of equal weight, and the floor that finite numbers of points set."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

MOST_REPEATS = 10  # random choices of points whose distances are averaged
MOST_WORK = 2e9  # sum of n^3 over the times and the choices: some seconds


@dataclass
class Distances:
    """W1 and W2 (in that order) with the same number of points on each side."""

    points: int
    model: np.ndarray  # (2), between rows and model samples
    floor: np.ndarray  # (2), between two random halves of the rows


def wasserstein(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """(W1, W2) between the points a (n, D) and b (n, D): W_p^p = min over assignments s of mean_i |a_i - b_s(i)|^p."""
    if a.shape[1] == 1:
        gaps = np.abs(np.sort(a[:, 0]) - np.sort(b[:, 0]))
        return np.array([gaps.mean(), np.sqrt(np.mean(gaps**2))])
    from scipy.optimize import linear_sum_assignment
    from scipy.spatial.distance import cdist

    result = []
    for power in (1, 2):
        cost = cdist(a, b) ** power
        result.append(cost[linear_sum_assignment(cost)].mean() ** (1 / power))
    return np.array(result)


def points_a_side(weight: np.ndarray, most: int) -> int:
    """Half the effective number of rows (sum w)^2 / sum w^2, and no more than wanted."""
    return min(most, int(weight.sum() ** 2 / np.sum(weight**2) + 1e-9) // 2) if len(weight) else 0


def compare(x: np.ndarray, weight: np.ndarray, samples: np.ndarray, points: int, repeats: int) -> Distances:
    """Means over random choices of points.

    @param x       rows (n, D) of one time
    @param weight  their weights (n)
    @param samples model samples (at least points * repeats, D)
    """
    random = np.random.default_rng(1)
    model, floor = [], []
    for k in range(repeats):
        order = random.permutation(len(x))
        halves = [order[: len(order) // 2], order[len(order) // 2 :]]
        one, other = (x[of_equal_weight(half, weight[half], points, random)] for half in halves)
        floor.append(wasserstein(one, other))
        model.append(wasserstein(one, samples[k * points : (k + 1) * points]))
    return Distances(points, np.mean(model, axis=0), np.mean(floor, axis=0))


def of_equal_weight(rows: np.ndarray, weight: np.ndarray, points: int, random: np.random.Generator) -> np.ndarray:
    """So many of the rows, each as often as its weight says (systematic resampling); of equal ones, different rows."""
    if np.ptp(weight) == 0 and points <= len(rows):
        return random.choice(rows, points, replace=False)
    levels = (random.uniform() + np.arange(points)) / points
    return rows[np.minimum(np.searchsorted(np.cumsum(weight) / weight.sum(), levels), len(rows) - 1)]


def repeats_for(points: list[int]) -> int:
    """Fewer where there are many points."""
    return int(min(MOST_REPEATS, max(1, MOST_WORK / sum(float(n) ** 3 for n in points))))
