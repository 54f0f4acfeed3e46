from itertools import product
from pathlib import Path

import numpy as np
import pytest

from mien.dataset.splits import divide, join_units, part_of, read_splits, write_splits
from mien.digest import digest_text
from mien.errors import DatasetError
from mien.records import Dataset, Photo


def photo(name: str, label: str, *, sha: str | None = None, **groups: str) -> Photo:
    return Photo(
        path=Path(name), name=name, label=label, sha256=sha or digest_text(name), groups=groups
    )


def random_dataset(seed: int, *, persons: bool) -> tuple[Dataset, list[list[int]]]:
    rng = np.random.default_rng(seed)
    classes = tuple("abcdef"[: rng.integers(2, 6)])
    photos = []
    for label in classes:
        for i in range(int(rng.integers(8, 60))):
            groups = {"skin": str(rng.choice(["x", "y", "z"], p=[0.6, 0.3, 0.1]))}
            if persons and rng.random() < 0.7:
                groups["person"] = f"p{rng.integers(0, 25)}"
            photos.append(photo(f"{label}/{i}.jpg", label, **groups))
    n = len(photos)
    clusters = [rng.choice(n, 2, replace=False).tolist() for _ in range(int(rng.integers(0, 6)))]
    columns = ("skin", "person") if persons else ("skin",)
    dataset = Dataset(
        root=Path("photos"), classes=classes, photos=tuple(photos), group_columns=columns
    )
    return dataset, clusters


@pytest.mark.parametrize("seed", range(40))
@pytest.mark.parametrize("persons", [False, True])
def test_no_twin_and_no_person_appears_on_two_sides(seed, persons):
    dataset, clusters = random_dataset(seed, persons=persons)
    test = divide(dataset, share=0.2, seed=seed, clusters=clusters).test
    for cluster in clusters:
        assert len({bool(test[row]) for row in cluster}) == 1
    for person in {p.groups.get("person") for p in dataset.photos} - {None}:
        rows = [i for i, p in enumerate(dataset.photos) if p.groups.get("person") == person]
        assert len({bool(test[row]) for row in rows}) == 1
    labels = np.array([p.label for p in dataset.photos])
    for label in dataset.classes:
        assert 0 < test[labels == label].sum() < (labels == label).sum()


@pytest.mark.parametrize("seed", range(40))
def test_class_shares_are_within_one_photo_of_the_ideal(seed):
    dataset, clusters = random_dataset(seed, persons=False)
    division = divide(dataset, share=0.25, seed=seed, clusters=clusters)
    for n, n_test, ideal in division.classes.values():
        assert abs(n_test - ideal) <= 1, (n, n_test, ideal)


@pytest.mark.parametrize("seed", range(10))
def test_cells_of_class_and_group_keep_their_share_too(seed):
    dataset, _ = random_dataset(seed, persons=False)
    test = divide(dataset, share=0.25, seed=seed).test
    for label, skin in product(dataset.classes, "xyz"):
        rows = [
            i for i, p in enumerate(dataset.photos) if p.label == label and p.groups["skin"] == skin
        ]
        assert abs(test[rows].sum() - 0.25 * len(rows)) <= 1.0


def test_small_units_are_divided_as_well_as_any_division_could():
    rng = np.random.default_rng(3)
    photos = [
        photo(f"{label}/{i}.jpg", label, person=f"p{rng.integers(0, 9)}")
        for label in "ab"
        for i in range(15)
    ]
    dataset = Dataset(
        root=Path("x"), classes=("a", "b"), photos=tuple(photos), group_columns=("person",)
    )
    division = divide(dataset, share=0.3, seed=0)
    units, y = division.units, np.array([p.label == "b" for p in photos])
    n_units = units.max() + 1
    table = np.zeros((n_units, 2))
    np.add.at(table, (units, y.astype(int)), 1)

    def cost(taken: np.ndarray) -> float:
        return float(((taken - np.array([5.0, 5.0])) ** 2).sum())

    best = min(cost(np.array(pick) @ table) for pick in product([0, 1], repeat=n_units))
    ours = cost(np.array([(division.test & ~y).sum(), (division.test & y).sum()]))
    assert ours == best


def test_the_seed_decides_and_nothing_else():
    dataset, clusters = random_dataset(1, persons=False)
    one = divide(dataset, share=0.2, seed=5, clusters=clusters)
    same = divide(dataset, share=0.2, seed=5, clusters=clusters)
    other = divide(dataset, share=0.2, seed=6, clusters=clusters)
    assert (one.test == same.test).all()
    assert (one.test != other.test).any()


def test_equal_bytes_stay_together_without_being_told():
    photos = [photo(f"a/{i}", "a", sha="0" * 64 if i < 2 else None) for i in range(6)]
    assert join_units(photos)[0] == join_units(photos)[1] != join_units(photos)[2]


def test_chains_of_clusters_are_one_unit():
    photos = [photo(f"a/{i}", "a") for i in range(5)]
    units = join_units(photos, clusters=[[0, 1], [1, 2]])
    assert units[0] == units[1] == units[2]
    assert len({units[2], units[3], units[4]}) == 3


@pytest.mark.parametrize("share", [0.0, 1.0, -0.5, 20.0])
def test_a_share_out_of_range_is_refused(share):
    dataset, _ = random_dataset(0, persons=False)
    with pytest.raises(DatasetError, match="expected more than 0 and less than 1"):
        divide(dataset, share=share, seed=0)


def test_a_class_of_one_person_cannot_be_divided():
    photos = [photo(f"a/{i}", "a", person="p1") for i in range(4)]
    photos += [photo(f"b/{i}", "b") for i in range(4)]
    dataset = Dataset(
        root=Path("x"), classes=("a", "b"), photos=tuple(photos), group_columns=("person",)
    )
    with pytest.raises(DatasetError, match="class 'a' has 4 photos that all belong together"):
        divide(dataset, share=0.5, seed=0)


def test_a_frozen_split_follows_the_bytes_not_the_names(tmp_path):
    dataset, _ = random_dataset(2, persons=False)
    division = divide(dataset, share=0.2, seed=0)
    path = tmp_path / "splits.csv"
    write_splits(path, dataset=dataset, division=division)
    splits = read_splits(path)
    renamed = Dataset(
        root=dataset.root,
        classes=dataset.classes,
        photos=(
            *(Photo(path=p.path, name=f"x{p.name}", label=p.label, sha256=p.sha256)
              for p in dataset.photos),
            photo("a/new.jpg", "a"),
        ),
    )  # fmt: skip
    test = part_of(renamed, splits=splits, part="test")
    train = part_of(renamed, splits=splits, part="train")
    assert {p.sha256 for p in test.photos} == {
        p.sha256 for p, t in zip(dataset.photos, division.test, strict=True) if t
    }
    assert train.photos[-1].name == "a/new.jpg"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("sha256,split\nabc,test\n", "line 2 is not a photo's sha256"),
        (f"sha256,split\n{'0' * 64},exam\n", "line 2 is not"),
        ("path\nx\n", "line 2 is not"),
        (f"sha256,split\n{'0' * 64},test\n{'0' * 64},train\n", "line 3 puts one photo on both"),
    ],
)
def test_a_table_that_is_no_split_is_refused(tmp_path, text, message):
    (tmp_path / "splits.csv").write_text(text)
    with pytest.raises(DatasetError, match=message):
        read_splits(tmp_path / "splits.csv")


def test_a_missing_table_is_one_clear_error(tmp_path):
    with pytest.raises(DatasetError, match="cannot read splits"):
        read_splits(tmp_path / "none.csv")
