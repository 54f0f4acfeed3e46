from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import log_loss as their_log_loss

from mien.head.calibrate import calibrate, log_loss, reliability
from mien.head.fitted import softmax


def drawn(temperature: float, n: int = 20_000) -> tuple[np.ndarray, np.ndarray]:
    """Logits and classes drawn so that `temperature` is the truth."""
    rng = np.random.default_rng(0)
    z = rng.normal(size=(n, 3)) * 2
    p = softmax(z / temperature)
    return z, (rng.random((n, 1)) > p.cumsum(axis=1)).sum(axis=1)


@pytest.mark.parametrize("temperature", [0.5, 1.0, 3.0])
def test_the_temperature_that_drew_the_classes_is_found(temperature: float) -> None:
    z, y = drawn(temperature)
    found = calibrate(z, y_true=y)
    assert found.temperature == pytest.approx(temperature, rel=0.05)
    assert found.after.calibration_error < 0.02


def test_log_loss_is_scikit_learns() -> None:
    z, y = drawn(2.0, n=200)
    assert log_loss(z, y_true=y) == pytest.approx(their_log_loss(y, softmax(z)), rel=1e-9)


def test_reliability_of_a_hand_computed_case() -> None:
    p = np.array([[0.95, 0.05], [0.95, 0.05], [0.35, 0.65], [0.4, 0.6]])
    found = reliability(np.log(p), y_true=np.array([0, 1, 1, 1]))
    assert found.n == (0, 0, 0, 0, 0, 0, 2, 0, 0, 2)
    assert found.accuracy[9] == 0.5
    assert found.confidence[6] == pytest.approx(0.625)
    assert found.calibration_error == pytest.approx((2 * 0.45 + 2 * 0.375) / 4)


def test_separable_answers_stay_inside_the_range() -> None:
    z = np.array([[5.0, 0.0], [0.0, 5.0]] * 5)
    found = calibrate(z, y_true=np.array([0, 1] * 5))
    assert np.exp(-4) <= found.temperature < 1
    assert np.isfinite(found.after.log_loss)
