"""Drawn datasets: exact counts, the same bytes from the same seed, and faults that are there."""

from __future__ import annotations

import csv
import os
from collections import Counter
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mien.dataset.drawn import Drawn, Faults, draw_bad_files, draw_dataset
from mien.dataset.drawn.faults import TWIN_KINDS
from mien.errors import UserError

SMALL = {"n_per_class": 6, "size_px": 64, "classes": ("happy", "sad")}
EVERY = Faults(
    copies=1, reencoded=1, resized=1, cropped=1, brightened=1, mirrored=1, leaks=2,
    swapped_labels=1, blurred=1, dark=1, overexposed=1, tiny=1, no_face=1, several_faces=1,
    banners=1, screenshots=1,
)  # fmt: skip


@pytest.fixture(scope="module")
def faulty(tmp_path_factory: pytest.TempPathFactory) -> Drawn:
    folder = tmp_path_factory.mktemp("faulty")
    return draw_dataset(
        folder, n_per_class=12, classes=("happy", "sad"), size_px=128, test_per_class=3, seed=4,
        faults=EVERY,
    )  # fmt: skip


def pixels(path: Path) -> np.ndarray:
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB"), float)


def planted(drawn: Drawn, kind: str):
    return next(fault for fault in drawn.planted if fault.kind == kind)


def test_each_cell_gets_exactly_what_was_asked(tmp_path: Path) -> None:
    drawn = draw_dataset(tmp_path, n_per_class=8, classes=("happy", "sad"), size_px=64, seed=1)
    counts = Counter((photo.label, photo.skin, photo.gender) for photo in drawn.photos)
    assert len(counts) == 12
    assert set(counts.values()) == {1, 2}
    assert sum(n for (label, *_), n in counts.items() if label == "sad") == 8
    for label in ("happy", "sad"):
        assert len(list((tmp_path / label).glob("*.jpg"))) == 8


def test_the_groups_table_has_a_row_for_every_photo(faulty: Drawn) -> None:
    with (faulty.train / "groups.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [row["path"] for row in rows] == [photo.path for photo in faulty.photos]
    on_disk = sorted(str(p.relative_to(faulty.train)) for p in faulty.train.rglob("*.jpg"))
    assert on_disk == [row["path"] for row in rows]
    assert {row["path"].split("/")[0] == row["label"] for row in rows} == {True}


def test_the_same_seed_writes_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a", "b"):
        draw_dataset(
            tmp_path / name, seed=7, faults=Faults(mirrored=1, banners=1, shortcut=0.5), **SMALL
        )
    draw_dataset(tmp_path / "c", seed=8, **SMALL)
    files = sorted(p.relative_to(tmp_path / "a") for p in (tmp_path / "a").rglob("*.*"))
    assert len(files) == 14
    for file in files:
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes()
    first = "happy/white-man-0001.jpg"
    assert (tmp_path / "a" / first).read_bytes() != (tmp_path / "c" / first).read_bytes()


def test_groups_can_be_narrowed(tmp_path: Path) -> None:
    groups = {"skin": ("black",), "gender": ("woman",)}
    drawn = draw_dataset(tmp_path, seed=1, groups=groups, **SMALL)
    assert {(photo.skin, photo.gender) for photo in drawn.photos} == {("black", "woman")}


def test_nobody_is_in_both_training_and_test_photos(faulty: Drawn) -> None:
    leaked = {
        path.name for fault in faulty.planted if fault.kind == "leaks" for path in fault.paths
    }
    train = {photo.person for photo in faulty.photos if Path(photo.path).name not in leaked}
    test = {photo.person for photo in faulty.test_photos}
    assert train.isdisjoint(test)


def test_a_person_poses_once_for_each_class(tmp_path: Path) -> None:
    drawn = draw_dataset(tmp_path, seed=1, **SMALL)
    poses = Counter(photo.person for photo in drawn.photos)
    assert set(poses.values()) == {2}


def test_every_twin_is_beside_its_original(faulty: Drawn) -> None:
    for kind in TWIN_KINDS:
        original, copy = planted(faulty, kind).paths
        assert original.parent == copy.parent
        assert (original.read_bytes() == copy.read_bytes()) == (kind == "copies")
    original, mirror = planted(faulty, "mirrored").paths
    assert np.abs(pixels(original)[:, ::-1] - pixels(mirror)).mean() < 4
    original, half = planted(faulty, "resized").paths
    assert pixels(half).shape[0] == pixels(original).shape[0] // 2
    original, cropped = planted(faulty, "cropped").paths
    assert pixels(cropped).shape[0] == 128 - 2 * 12
    original, bright = planted(faulty, "brightened").paths
    assert pixels(bright).mean() > 1.08 * pixels(original).mean()


def test_leaks_have_the_bytes_of_a_test_photo(faulty: Drawn) -> None:
    leaks = [fault for fault in faulty.planted if fault.kind == "leaks"]
    assert len(leaks) == 2
    for leak in leaks:
        test, train = leak.paths
        assert test.read_bytes() == train.read_bytes()
        assert test.is_relative_to(faulty.test)
        assert train.is_relative_to(faulty.train)


def test_a_swapped_label_lies_in_another_class_and_its_truth_is_told(faulty: Drawn) -> None:
    fault = planted(faulty, "swapped_labels")
    assert fault.truth in ("happy", "sad")
    assert fault.paths[0].parent.name != fault.truth


def test_swapped_photos_of_one_number_do_not_take_each_others_place(tmp_path: Path) -> None:
    faults = Faults(swapped_labels=30)
    drawn = draw_dataset(tmp_path, n_per_class=8, size_px=64, seed=3, faults=faults)
    moved = [fault.paths[0] for fault in drawn.planted]
    assert any(path.stem.endswith("-too") for path in moved)  # or this would show nothing
    assert len(set(moved)) == 30
    assert len(list(drawn.train.rglob("*.jpg"))) == 40


def test_spoiled_photos_are_as_bad_as_their_name(faulty: Drawn) -> None:
    def sharpness(kind: str) -> float:
        grey = pixels(planted(faulty, kind).paths[0]).mean(axis=2)
        return float(np.abs(np.diff(grey, axis=1)).mean())

    assert sharpness("blurred") < 0.6 * sharpness("screenshots")
    assert pixels(planted(faulty, "dark").paths[0]).mean() < 40
    assert pixels(planted(faulty, "overexposed").paths[0]).mean() > 200
    assert pixels(planted(faulty, "tiny").paths[0]).shape == (40, 40, 3)
    assert pixels(planted(faulty, "several_faces").paths[0]).shape[1] == 384


def test_no_photo_is_hit_by_two_faults(faulty: Drawn) -> None:
    hit = [fault.paths[0] for fault in faulty.planted]
    assert len(hit) == len(set(hit))


def test_a_starved_group_gets_only_so_many(tmp_path: Path) -> None:
    faults = Faults(starve={"skin": "black", "gender": "woman"}, starve_to=1)
    drawn = draw_dataset(
        tmp_path, n_per_class=18, classes=("happy",), size_px=64, seed=1, faults=faults
    )
    counts = Counter((photo.skin, photo.gender) for photo in drawn.photos)
    assert counts["black", "woman"] == 1
    assert counts["black", "man"] == counts["white", "woman"] == 3
    assert planted(drawn, "starve").truth == "gender=woman, skin=black"


def test_a_shortcut_gives_the_class_a_background_of_its_own(tmp_path: Path) -> None:
    drawn = draw_dataset(tmp_path, seed=2, faults=Faults(shortcut=1.0), **SMALL)
    colours = []
    for fault in drawn.planted:
        corners = np.array([pixels(path)[:5, :5].mean(axis=(0, 1)) for path in fault.paths])
        colours.append(corners.mean(axis=0))
        assert len(fault.paths) == 6
    assert np.abs(colours[0] - colours[1]).max() > 40


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"n_per_class": 0}, "n_per_class=0"),
        ({"classes": ("bored",)}, "cannot draw the class 'bored'"),
        ({"classes": ("sad", "sad")}, "named once"),
        ({"groups": {"age": ("old",)}}, "cannot draw the group 'age'"),
        ({"groups": {"skin": ("green",)}}, "cannot draw skin 'green'"),
        ({"faults": Faults(copies=99)}, "99 faults and 0 leaks do not fit"),
        ({"faults": Faults(leaks=1)}, "0 faults and 1 leaks do not fit"),
        ({"faults": Faults(shortcut=2)}, "shortcut=2 is no share"),
        ({"classes": ("sad",), "faults": Faults(swapped_labels=1)}, "cannot be swapped"),
    ],
)
def test_what_cannot_be_drawn_is_refused(
    tmp_path: Path, asked: dict[str, object], words: str
) -> None:
    settings = {"n_per_class": 2, "classes": ("happy", "sad"), "size_px": 64, "seed": 0, **asked}
    with pytest.raises(UserError, match=words):
        draw_dataset(tmp_path, **settings)


@pytest.mark.filterwarnings("ignore:.*EXIF.*:UserWarning")
def test_there_are_bad_files_of_at_least_twenty_kinds_and_none_is_a_photo(tmp_path: Path) -> None:
    bad = draw_bad_files(tmp_path / "x")
    assert len({fault.kind for fault in bad}) == len(bad) >= 20
    assert {fault.kind for fault in draw_bad_files(tmp_path / "x")} == {fault.kind for fault in bad}
    for fault in bad:
        path = fault.paths[0]
        if path.is_symlink() or path.is_fifo() or not os.access(path, os.R_OK):
            continue
        with pytest.raises((OSError, ValueError, SyntaxError, Image.DecompressionBombError)):
            Image.open(BytesIO(path.read_bytes()), formats=_ALLOWED).load()


_ALLOWED = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF")


def test_progress_is_told_after_each_photo(tmp_path: Path) -> None:
    told: list[tuple[str, int, int]] = []
    draw_dataset(
        tmp_path, n_per_class=2, classes=("sad",), size_px=64, seed=0, test_per_class=1,
        progress=lambda *step: told.append(step),
    )  # fmt: skip
    assert told == [("draw", 1, 3), ("draw", 2, 3), ("draw", 3, 3)]
