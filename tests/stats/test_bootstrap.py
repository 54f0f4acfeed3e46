import numpy as np
import pytest
from scipy import stats

from mien.stats import bootstrap_interval, clustered_share, on_rows, wilson

RIGHT = (np.random.default_rng(5).random(60) < 0.6).astype(float)


def mean_of(values: np.ndarray):
    return lambda weights: weights @ values / weights.sum(axis=1)


@pytest.mark.parametrize("method", ["percentile", "bca"])
def test_agrees_with_scipys_bootstrap(method: str) -> None:
    values = np.random.default_rng(1).exponential(size=40)
    theirs = stats.bootstrap(
        (values,), np.mean, method=method, n_resamples=20000, rng=np.random.default_rng(0)
    ).confidence_interval
    ours = bootstrap_interval(
        mean_of(values), 40, rng=np.random.default_rng(2), n_resamples=20000, method=method
    )
    assert ours.low == pytest.approx(theirs.low, abs=0.04)
    assert ours.high == pytest.approx(theirs.high, abs=0.04)


def test_the_same_seed_gives_the_same_interval() -> None:
    a, b = (bootstrap_interval(mean_of(RIGHT), 60, rng=np.random.default_rng(3)) for _ in "ab")
    assert a == b


def test_a_function_of_rows_gives_what_a_function_of_weights_gives() -> None:
    a = bootstrap_interval(mean_of(RIGHT), 60, rng=np.random.default_rng(3))
    by_rows = on_rows(lambda rows: float(RIGHT[rows].mean()))
    b = bootstrap_interval(by_rows, 60, rng=np.random.default_rng(3))
    assert (a.low, a.high) == pytest.approx((b.low, b.high))


def test_photos_of_one_person_are_drawn_together() -> None:
    seen = []

    def statistic(weights: np.ndarray) -> np.ndarray:
        seen.append(weights)
        return weights.sum(axis=1)

    clusters = ["p", "q", "p", "r", "q"]
    bootstrap_interval(statistic, 5, rng=np.random.default_rng(0), clusters=clusters)
    weights = np.concatenate(seen)
    assert np.array_equal(weights[:, 0], weights[:, 2])
    assert np.array_equal(weights[:, 1], weights[:, 4])
    assert np.all(weights[:, 0] + weights[:, 1] + weights[:, 3] == 3)


def test_persons_with_many_alike_photos_widen_the_interval() -> None:
    right = np.repeat(np.random.default_rng(0).random(15) < 0.5, 4)
    persons = [f"p{i // 4}" for i in range(60)]
    for_photos = bootstrap_interval(mean_of(right), 60, rng=np.random.default_rng(0))
    for_persons = bootstrap_interval(
        mean_of(right), 60, rng=np.random.default_rng(0), clusters=persons
    )
    assert for_persons.high - for_persons.low > 1.6 * (for_photos.high - for_photos.low)
    assert "clusters" in for_persons.method
    wide = clustered_share(right, clusters=persons)
    alone = wilson(int(right.sum()), 60)
    assert wide.high - wide.low > 1.6 * (alone.high - alone.low)


def test_clusters_of_one_photo_each_are_no_clusters() -> None:
    right = RIGHT.astype(bool)
    ours = clustered_share(right, clusters=[str(i) for i in range(60)])
    plain = wilson(int(right.sum()), 60)
    assert (ours.low, ours.high, ours.method) == pytest.approx((plain.low, plain.high, "Wilson"))


def test_one_person_counts_as_one_photo() -> None:
    ours = clustered_share(np.ones(20, dtype=bool), clusters=["p"] * 20)
    assert ours.low == pytest.approx(wilson(1, 1).low)


def test_coverage_over_clusters_is_close_to_nominal() -> None:
    rng = np.random.default_rng(7)
    hits, n_rounds = 0, 400
    for _ in range(n_rounds):
        of_person = rng.beta(2, 2, size=25)
        right = rng.random((25, 4)) < of_person[:, None]
        interval = clustered_share(right.ravel(), clusters=[str(i // 4) for i in range(100)])
        hits += interval.low <= 0.5 <= interval.high
    assert hits / n_rounds == pytest.approx(0.95, abs=0.03)


def test_nonsense_is_refused() -> None:
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match="at least 1 photo"):
        bootstrap_interval(mean_of(RIGHT), 0, rng=rng)
    with pytest.raises(ValueError, match="60 photos need 60 clusters, got 1"):
        bootstrap_interval(mean_of(RIGHT), 60, rng=rng, clusters=["p"])
    with pytest.raises(ValueError, match="defined in no resample"):
        bootstrap_interval(lambda w: np.full(len(w), np.nan), 60, rng=rng)
    with pytest.raises(ValueError, match="0 photos"):
        clustered_share(np.zeros(0, dtype=bool), clusters=[])
