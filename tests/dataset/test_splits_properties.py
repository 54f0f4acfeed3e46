"""What must hold of every split, whatever the dataset: hypothesis looks for one that breaks it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mien.dataset.splits import divide, join_units, part_of, read_splits, write_splits
from mien.digest import digest_text
from mien.errors import DatasetError
from mien.records import Dataset, Photo


@st.composite
def datasets(draw: st.DrawFn) -> tuple[Dataset, list[list[int]]]:
    """Classes of any size; persons over classes, equal bytes, pairs and chains of near copies."""
    sizes = draw(st.lists(st.integers(2, 40), min_size=2, max_size=5))
    n = sum(sizes)
    labels = [f"c{i}" for i, size in enumerate(sizes) for _ in range(size)]
    persons = draw(st.lists(st.integers(0, 60), min_size=n, max_size=n))
    skins = draw(st.lists(st.sampled_from("xyz"), min_size=n, max_size=n))
    share_bytes = draw(st.lists(st.integers(0, 3 * n), min_size=n, max_size=n))
    # Above 30 nobody knows who it is, and most bytes are a photo's own.
    photos = tuple(
        Photo(
            path=Path(f"{label}/{i}.jpg"),
            name=f"{label}/{i}.jpg",
            label=label,
            sha256=digest_text(str(number) if number < n // 4 else f"own {i}"),
            groups={"skin": skin} | ({"person": f"p{person}"} if person <= 30 else {}),
        )
        for i, (label, person, skin, number) in enumerate(
            zip(labels, persons, skins, share_bytes, strict=True)
        )
    )
    rows = st.integers(0, n - 1)
    clusters = draw(st.lists(st.lists(rows, min_size=2, max_size=4), max_size=6))
    dataset = Dataset(
        root=Path("photos"),
        classes=tuple(f"c{i}" for i in range(len(sizes))),
        photos=photos,
        group_columns=("skin", "person"),
    )
    return dataset, clusters


def divided(dataset: Dataset, clusters: list[list[int]], share: float):
    """The division, None where a class is one unit and is refused for that."""
    units = join_units(dataset.photos, clusters=clusters)
    labels = np.array([photo.label for photo in dataset.photos])
    if any(len(np.unique(units[labels == label])) < 2 for label in dataset.classes):
        with pytest.raises(DatasetError, match="all belong together"):
            divide(dataset, share=share, seed=0, clusters=clusters)
        return None
    return divide(dataset, share=share, seed=0, clusters=clusters)


@settings(max_examples=150, deadline=None)
@given(made=datasets(), share=st.floats(0.05, 0.6))
def test_no_twin_and_no_person_is_on_two_sides(made, share) -> None:
    dataset, clusters = made
    division = divided(dataset, clusters, share)
    if division is None:
        return
    sides = division.test
    for cluster in clusters:
        assert len({bool(sides[row]) for row in cluster}) == 1
    for key in (lambda p: p.sha256, lambda p: p.groups.get("person")):
        seen: dict[str, bool] = {}
        for photo, side in zip(dataset.photos, sides, strict=True):
            if key(photo) is not None:
                assert seen.setdefault(key(photo), bool(side)) == side


@settings(max_examples=150, deadline=None)
@given(made=datasets(), share=st.floats(0.05, 0.6))
def test_each_class_stands_on_both_sides_and_near_its_share(made, share) -> None:
    dataset, clusters = made
    division = divided(dataset, clusters, share)
    if division is None:
        return
    units = division.units
    largest = max(np.bincount(units))
    labels = np.array([p.label for p in dataset.photos])
    for label, (n, n_test, ideal) in division.classes.items():
        assert n == (labels == label).sum()
        assert 0 < n_test < n
        # A unit is taken or left whole: no share can be promised better than the largest unit.
        whole = min(max(round(ideal), 1), n - 1)
        assert abs(n_test - whole) <= largest


@settings(max_examples=100, deadline=None)
@given(
    sizes=st.lists(st.integers(4, 60), min_size=2, max_size=5),
    share=st.floats(0.05, 0.6),
    seed=st.integers(0, 9),
)
def test_photos_that_nothing_ties_are_shared_within_one_photo(sizes, share, seed) -> None:
    photos = tuple(
        Photo(path=Path(), name=f"c{c}/{i}", sha256=digest_text(f"{c}/{i}"), label=f"c{c}",
              groups={"skin": "xyz"[(i * 7 + seed) % 3]})
        for c, size in enumerate(sizes)
        for i in range(size)
    )  # fmt: skip
    classes = tuple(f"c{c}" for c in range(len(sizes)))
    dataset = Dataset(root=Path(), classes=classes, photos=photos, group_columns=("skin",))
    for n, n_test, ideal in divide(dataset, share=share, seed=seed).classes.values():
        assert abs(n_test - ideal) <= 1 or n_test in (1, n - 1)


@settings(max_examples=60, deadline=None)
@given(made=datasets())
def test_units_are_an_equivalence_that_the_order_does_not_change(made) -> None:
    dataset, clusters = made
    units = join_units(dataset.photos, clusters=clusters)
    n = len(dataset.photos)
    back = join_units(
        dataset.photos[::-1], clusters=[[n - 1 - row for row in rows] for rows in clusters]
    )[::-1]
    same = units[:, None] == units[None]
    assert (same == (back[:, None] == back[None])).all()


@settings(max_examples=30, deadline=None)
@given(made=datasets())
def test_a_table_read_back_divides_the_same_photos_the_same_way(tmp_path_factory, made) -> None:
    dataset, clusters = made
    division = divided(dataset, clusters, 0.3)
    if division is None:
        return
    path = tmp_path_factory.mktemp("splits") / "splits.csv"
    write_splits(path, dataset=dataset, division=division)
    table = read_splits(path)
    tested = part_of(dataset, splits=table, part="test")
    kept = part_of(dataset, splits=table, part="train")
    assert [p.name for p in tested.photos] == [
        p.name for p, side in zip(dataset.photos, division.test, strict=True) if side
    ]
    assert len(tested.photos) + len(kept.photos) == len(dataset.photos)
    assert {p.sha256 for p in tested.photos}.isdisjoint(p.sha256 for p in kept.photos)


def test_the_strategy_makes_datasets_that_can_be_divided() -> None:
    """The properties above must not hold because nothing was ever divided."""
    seen = []

    @settings(max_examples=40, deadline=None, database=None, derandomize=True)
    @given(made=datasets())
    def count(made) -> None:
        seen.append(divided(*made, 0.3) is not None)

    count()
    assert np.mean(seen) > 0.3
