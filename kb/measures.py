"""Measures of ranking, as pure functions. Source: Järvelin and Kekäläinen (2002, ACM TOIS 20:4) for nDCG; gains are
linear, as in trec_eval, so that figures compare with published ones.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


def ndcg(ranked: Sequence[str], relevant: Mapping[str, float], cutoff: int = 10) -> float:
    """Normalised discounted cumulative gain of a ranking, 0 to 1; 0 when nothing is relevant."""
    discounts = 1.0 / np.log2(np.arange(2, cutoff + 2))
    gains = [relevant.get(name, 0.0) for name in ranked[:cutoff]]
    best = sorted(relevant.values(), reverse=True)[:cutoff]
    ideal = float(np.dot(best, discounts[: len(best)]))
    return float(np.dot(gains, discounts[: len(gains)])) / ideal if ideal > 0 else 0.0


def recall(ranked: Sequence[str], relevant: Mapping[str, float], cutoff: int) -> float:
    """The share of the relevant that is among the first `cutoff`, 0 to 1."""
    wanted = {name for name, grade in relevant.items() if grade > 0}
    return len(wanted & set(ranked[:cutoff])) / len(wanted) if wanted else 0.0


def reciprocal_rank(ranked: Sequence[str], relevant: Mapping[str, float]) -> float:
    """1 over the rank of the first relevant one; 0 when there is none."""
    return next((1.0 / rank for rank, name in enumerate(ranked, start=1) if relevant.get(name, 0.0) > 0), 0.0)


def mean_with_interval(values: Sequence[float], *, samples: int = 2000, seed: int = 7) -> dict[str, float]:
    """The mean, and its bootstrap 95% interval (percentiles of resampled means; the seed makes it repeatable)."""
    if not values:
        return {"mean": 0.0, "low": 0.0, "high": 0.0}
    array = np.asarray(values, dtype=np.float64)
    chosen = np.random.default_rng(seed).integers(0, len(array), size=(samples, len(array)))
    low, high = np.percentile(array[chosen].mean(axis=1), [2.5, 97.5])
    return {"mean": round(float(array.mean()), 4), "low": round(float(low), 4), "high": round(float(high), 4)}
