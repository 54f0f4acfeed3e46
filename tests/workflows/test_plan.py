import math

import pytest
from scipy.stats import norm

from mien.errors import UserError
from mien.workflows.plan import plan


def test_a_plan_says_photos_for_models_groups_and_intervals():
    record = plan(classes=5, groups=6, detect=0.1)
    assert record.per_class * 5 >= record.compare_models
    assert record.total_for_groups % 30 == 0
    assert record.total_for_groups >= 6 * record.compare_groups
    assert record.least_photos == 6
    assert "388 test photos of each group" in record.sentences[-1]


def test_groups_need_what_the_textbook_says():
    p1, p2, z = 0.6, 0.5, norm.ppf
    middle = (p1 + p2) / 2
    n = (
        z(0.975) * math.sqrt(2 * middle * (1 - middle))
        + z(0.8) * math.sqrt(p1 * (1 - p1) + p2 * (1 - p2))
    ) ** 2 / 0.01
    assert plan(classes=2, groups=2).compare_groups == math.ceil(n)


def test_without_groups_nothing_is_said_of_them():
    record = plan(classes=3)
    assert record.compare_groups is None
    assert len(record.sentences) == 3


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"classes": 1}, "classes is 1, expected at least 2"),
        ({"groups": 0}, "groups is 0, expected at least 1"),
        ({"detect": 10}, "detect is 10, expected more than 0 and less than 1"),
        ({"power": 1.0}, "power is 1"),
        ({"detect": 0.7}, "detect is 0.7, more than the accuracy 0.6"),
    ],
)
def test_a_number_out_of_range_is_named(change, message):
    with pytest.raises(UserError, match=message):
        plan(**{"classes": 5, **change})
