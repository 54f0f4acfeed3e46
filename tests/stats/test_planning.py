import numpy as np
import pytest

from mien.stats import (
    least_discordant,
    mcnemar_p,
    mcnemar_power,
    n_for_difference,
    n_for_width,
    wilson,
)


@pytest.mark.parametrize("width", [0.5, 0.2, 0.1, 0.03])
def test_the_planned_photos_suffice_and_one_less_does_not(width: float) -> None:
    n = n_for_width(width)
    assert wilson(n / 2, n).high - wilson(n / 2, n).low <= width
    assert wilson((n - 1) / 2, n - 1).high - wilson((n - 1) / 2, n - 1).low > width


def test_six_discordant_photos_are_the_least_evidence() -> None:
    assert least_discordant() == 6
    assert mcnemar_p(only_a=6, only_b=0) <= 0.05 < mcnemar_p(only_a=5, only_b=0)
    assert least_discordant(mid_p=True) == 5


@pytest.mark.parametrize("shares", [(0.3, 0.1), (0.15, 0.15), (0.25, 0.0)])
def test_power_is_what_simulation_gives(shares: tuple[float, float]) -> None:
    only_a, only_b = shares
    drawn = np.random.default_rng(0).multinomial(
        60, [only_a, only_b, 1 - only_a - only_b], size=4000
    )
    found = np.mean([mcnemar_p(only_a=a, only_b=b) <= 0.05 for a, b, _ in drawn.tolist()])
    assert mcnemar_power(60, only_a=only_a, only_b=only_b) == pytest.approx(found, abs=0.025)


def test_connors_number_of_photos_gives_the_promised_power() -> None:
    n = n_for_difference(0.15, discordant=0.35)
    # Connor's is for the asymptotic test; the exact one is a little weaker.
    assert mcnemar_power(n, only_a=0.25, only_b=0.10) == pytest.approx(0.78, abs=0.04)


def test_no_discordance_has_no_power() -> None:
    assert mcnemar_power(30, only_a=0, only_b=0) == 0.0


def test_impossible_plans_are_refused() -> None:
    with pytest.raises(ValueError, match="0 < width < 1"):
        n_for_width(0)
    with pytest.raises(ValueError, match="more than"):
        n_for_width(1e-5)
    with pytest.raises(ValueError, match="alpha"):
        least_discordant(alpha=0)
    with pytest.raises(ValueError, match="discordant"):
        n_for_difference(0.3, discordant=0.2)
    with pytest.raises(ValueError, match="discordant photos cannot be"):
        mcnemar_power(30, only_a=0.8, only_b=0.4)
