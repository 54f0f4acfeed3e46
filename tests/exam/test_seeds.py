import numpy as np
import pytest

from mien.exam import over_folds, over_seeds
from mien.records import plain


def test_seeds_are_summarised_by_mean_and_spread() -> None:
    accuracies = [0.40, 0.43, 0.50, 0.57, 0.60]
    summary = over_seeds(accuracies)
    assert list(plain(summary))[:5] == ["mean", "sd", "min", "max", "n"]
    assert summary.mean == pytest.approx(np.mean(accuracies))
    assert summary.sd == pytest.approx(np.std(accuracies, ddof=1))
    assert summary.low is not None
    assert summary.low < 0.5 < (summary.high or 0)


def test_one_seed_has_no_spread() -> None:
    summary = over_seeds([0.633])
    assert (summary.sd, summary.low, summary.high) == (None, None, None)
    assert summary.sentence.startswith("63 % with one seed; ")


def test_folds_are_summarised_with_the_corrected_interval() -> None:
    scores = np.random.default_rng(0).normal(0.5, 0.1, size=100)
    summary = over_folds(scores, folds=10, repeats=10, n_photos=246)
    error = np.sqrt((1 / 100 + 1 / 9) * scores.var(ddof=1))
    assert summary.high - summary.mean == pytest.approx(1.9842 * error, rel=1e-4)
    assert (summary.n, summary.folds, summary.repeats) == (100, 10, 10)


def test_scores_that_are_not_folds_times_repeats_are_refused() -> None:
    with pytest.raises(ValueError, match="10 folds × 2 repeats cannot have 3 scores"):
        over_folds([0.1, 0.2, 0.3], folds=10, repeats=2, n_photos=50)


def test_a_cross_validation_without_a_mistake_proves_no_more_than_its_photos_can() -> None:
    summary = over_folds([1.0] * 15, folds=5, repeats=3, n_photos=60)
    assert summary.mean == summary.high == 1.0
    assert summary.low == pytest.approx(60 / (60 + 1.959964**2))
    by_person = over_folds([1.0] * 15, folds=5, repeats=3, n_photos=60, n_units=12)
    assert by_person.low == pytest.approx(12 / (12 + 1.959964**2))
