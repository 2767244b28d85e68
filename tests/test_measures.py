"""Measures of ranking, against values worked out by hand."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kb.measures import mean_with_interval, ndcg, recall, reciprocal_rank

# The discounts of the first five ranks: 1/log2(2), 1/log2(3), 1/log2(4), 1/log2(5), 1/log2(6).
D1, D2, D3, D4, D5 = 1.0, 0.6309298, 0.5, 0.4306766, 0.3868528


@pytest.mark.parametrize(
    ("ranked", "relevant", "value"),
    [
        pytest.param("a", {"a": 1}, 1.0, id="the one, first"),
        pytest.param("xa", {"a": 1}, D2, id="the one, second"),
        pytest.param("xxxa", {"a": 3}, D4, id="one alone has no grade to speak of"),
        pytest.param("ab", {"a": 3, "b": 1}, 1.0, id="both in the best order"),
        pytest.param("ba", {"a": 3, "b": 1}, (1 * D1 + 3 * D2) / (3 * D1 + 1 * D2), id="both the wrong way round"),
        pytest.param("axb", {"a": 2, "b": 2, "c": 1}, (2 * D1 + 2 * D3) / (2 * D1 + 2 * D2 + D3), id="one is missed"),
        pytest.param("xyz", {"a": 1}, 0.0, id="none is found"),
        pytest.param("", {"a": 1}, 0.0, id="nothing is found at all"),
        pytest.param("abc", {}, 0.0, id="nothing is relevant"),
        pytest.param("ab", {"a": 0, "b": 1}, D2, id="a grade of nought is not relevant"),
    ],
)
def test_ndcg(ranked: str, relevant: dict[str, float], value: float) -> None:
    assert ndcg(list(ranked), relevant) == pytest.approx(value, abs=1e-6)


def test_ndcg_looks_no_further_than_its_cutoff() -> None:
    ranked = [*"xxxxxxxxxx", "a"]
    assert ndcg(ranked, {"a": 1}) == 0.0
    assert ndcg(ranked, {"a": 1}, cutoff=11) > 0.0
    assert ndcg(list("ab"), {"a": 1, "b": 1, "c": 1}, cutoff=2) == 1.0, "the ideal is cut off too"


def test_the_wikipedia_example_of_dcg() -> None:
    """Gains 3, 2, 3, 0, 1, 2 with an ideal of 3, 3, 3, 2, 2, 2: DCG 6.861, IDCG 8.740, nDCG .785."""
    grades = {"d1": 3, "d2": 2, "d3": 3, "d4": 0, "d5": 1, "d6": 2, "d7": 3, "d8": 2}
    assert ndcg(["d1", "d2", "d3", "d4", "d5", "d6"], grades, cutoff=6) == pytest.approx(0.785, abs=0.0005)


@pytest.mark.parametrize(
    ("ranked", "relevant", "cutoff", "value"),
    [
        ("abc", {"a": 1, "c": 2}, 3, 1.0),
        ("abc", {"a": 1, "c": 2}, 2, 0.5),
        ("abc", {"x": 1}, 3, 0.0),
        ("abc", {}, 3, 0.0),
        ("abc", {"a": 0, "b": 1}, 1, 0.0),
        ("", {"a": 1}, 10, 0.0),
        ("ab", {"a": 1, "b": 1, "c": 1, "d": 1}, 10, 0.5),
    ],
)
def test_recall(ranked: str, relevant: dict[str, float], cutoff: int, value: float) -> None:
    assert recall(list(ranked), relevant, cutoff) == value


@pytest.mark.parametrize(
    ("ranked", "relevant", "value"),
    [
        ("abc", {"a": 1, "b": 3}, 1.0),
        ("abc", {"c": 1}, 1 / 3),
        ("abc", {"a": 0, "b": 1}, 0.5),
        ("abc", {"x": 1}, 0.0),
        ("", {"x": 1}, 0.0),
    ],
)
def test_reciprocal_rank(ranked: str, relevant: dict[str, float], value: float) -> None:
    assert reciprocal_rank(list(ranked), relevant) == value


rankings = st.permutations(list("abcdefgh"))
judgements = st.dictionaries(st.sampled_from("abcdefghxyz"), st.integers(0, 3))


@given(rankings, judgements)
def test_every_measure_lies_between_nothing_and_one(ranked: list[str], relevant: dict[str, float]) -> None:
    for value in (ndcg(ranked, relevant), recall(ranked, relevant, 10), reciprocal_rank(ranked, relevant)):
        assert 0.0 <= value <= 1.0 + 1e-12


@given(judgements)
def test_the_best_order_has_an_ndcg_of_one(relevant: dict[str, float]) -> None:
    best = sorted(relevant, key=lambda name: -relevant[name])
    assert ndcg(best, relevant) == pytest.approx(1.0 if any(relevant.values()) else 0.0)


# --- means and their intervals ---------------------------------------------------------------------------------------


def test_the_mean_of_nothing_is_nothing() -> None:
    assert mean_with_interval([]) == {"mean": 0.0, "low": 0.0, "high": 0.0}


def test_values_that_agree_have_no_interval() -> None:
    assert mean_with_interval([0.25] * 8) == {"mean": 0.25, "low": 0.25, "high": 0.25}


def test_the_interval_is_about_two_standard_errors_either_way() -> None:
    """Of 400 values of nought and one in equal parts, the standard error of the mean is .5/20 = .025."""
    told = mean_with_interval([0.0, 1.0] * 200)
    assert told["mean"] == 0.5
    assert told["low"] == pytest.approx(0.5 - 1.96 * 0.025, abs=0.006)
    assert told["high"] == pytest.approx(0.5 + 1.96 * 0.025, abs=0.006)


def test_the_interval_is_the_same_every_time() -> None:
    values = [0.1, 0.9, 0.4, 0.4, 1.0]
    assert mean_with_interval(values) == mean_with_interval(values)
    assert mean_with_interval(values, seed=8) != mean_with_interval(values, seed=9)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=20))
def test_the_mean_lies_inside_its_interval(values: list[float]) -> None:
    told = mean_with_interval(values, samples=200)
    assert 0.0 <= told["low"] <= told["high"] <= 1.0
    assert min(values) - 1e-4 <= told["mean"] <= max(values) + 1e-4
