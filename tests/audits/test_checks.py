"""Every check finds its planted fault, is silent without one, and has its page."""

import dataclasses
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from mien.audits.catalogue import CHECKS, run_checks
from mien.audits.checks.cells import Cells
from mien.audits.checks.lookalikes import LookAlikes
from mien.audits.facts import Facts
from mien.audits.findings import OUTCOMES, Finding
from mien.audits.packing import pack
from mien.audits.tables import count_table
from mien.audits.twins import Found, Twin
from mien.audits.view import Looks, Part, View
from mien.digest import digest_text
from mien.records import Dataset, Face, Photo, Reject
from mien.studio.said import knows

N = 60
CLASSES = ("happy", "sad", "angry")
ROOT = Path(__file__).resolve().parents[2]


def facts(seed: int, **changes: object) -> Facts:
    """An ordinary photo's figures, a little different for every seed."""
    rng = np.random.default_rng((77, seed))
    values = {
        "format": "jpeg",
        "width_px": 600,
        "height_px": 600,
        "size_bytes": 90_000,
        "brightness": rng.uniform(0.4, 0.6),
        "dark_share": 0.05,
        "bright_share": 0.05,
        "darkest": 0.1,
        "face_brightness": 0.5,
        "contrast": rng.uniform(0.6, 0.8),
        "chroma": rng.uniform(0.25, 0.4),
        "blur": rng.uniform(0.3, 0.4),
        "flat_share": 0.3,
        "n_colours": 0.03,
        "bars": 0,
        "page_share": 0.1,
        "background": rng.uniform(0.3, 0.7, 36).astype(np.float32),
        "skin_angle": rng.uniform(-20, 60),
        "hashes": rng.integers(0, 2**63, 8, dtype=np.uint64),
        "thumbnail": rng.integers(0, 256, (64, 64), dtype=np.uint8),
        "picture": pack(rng.integers(0, 256, (64, 64), dtype=np.uint8)),
        "chip": rng.integers(0, 256, (32, 32), dtype=np.uint8),
    }
    return Facts(**{**values, **changes})


def face(n_faces: int = 1, box: tuple[float, ...] = (150, 120, 450, 480)) -> Face:
    return Face(xyxy_px=box, confidence=0.9, n_faces=n_faces)


def part(n: int = N, *, start: int = 0, root: str = "photos") -> Part:
    photos, rows = [], []
    rng = np.random.default_rng((5, start))
    for i in range(n):
        label = CLASSES[i % 3]
        groups = {"skin": ("dark", "light")[(i // 3) % 2], "gender": ("man", "woman")[(i // 6) % 2]}
        name = f"{label}/{i + start:03}.jpg"
        photos.append(
            Photo(path=Path(root) / name, name=name, sha256=digest_text(str(i + start)),
                  label=label, groups=groups)
        )  # fmt: skip
        rows.append(np.eye(3)[i % 3].repeat(8) * 3 + rng.standard_normal(24))
    dataset = Dataset(
        root=Path(root), classes=CLASSES, photos=tuple(photos), group_columns=("skin", "gender")
    )
    return Part(
        dataset=dataset,
        facts=tuple(facts(i + start) for i in range(n)),
        faces=tuple(face() for _ in range(n)),
        embedded=np.arange(n),
        embeddings=np.stack(rows).astype(np.float32),
    )


def clean() -> View:
    return View(train=part(), test=part(300, start=1000, root="test"))


def with_facts(view: View, row: int, **changes: object) -> View:
    changed = list(view.train.facts)
    changed[row] = dataclasses.replace(changed[row], **changes)
    return dataclasses.replace(view, train=dataclasses.replace(view.train, facts=tuple(changed)))


def with_photos(view: View, change: Callable[[int, Photo], Photo], side: str = "train") -> View:
    old = getattr(view, side)
    photos = tuple(change(i, photo) for i, photo in enumerate(old.dataset.photos))
    dataset = dataclasses.replace(old.dataset, photos=photos)
    return dataclasses.replace(view, **{side: dataclasses.replace(old, dataset=dataset)})


def with_face(view: View, row: int, found: Face | None) -> View:
    faces = list(view.train.faces)
    faces[row] = found
    return dataclasses.replace(view, train=dataclasses.replace(view.train, faces=tuple(faces)))


def regrouped(view: View, column: str, value: Callable[[int, Photo], str]) -> View:
    view = with_photos(
        view,
        lambda i, p: dataclasses.replace(p, groups={**p.groups, column: value(i, p)}),
    )
    columns = tuple(dict.fromkeys((*view.train.dataset.group_columns, column)))
    dataset = dataclasses.replace(view.train.dataset, group_columns=columns)
    return dataclasses.replace(view, train=dataclasses.replace(view.train, dataset=dataset))


def keep(view: View, wanted: Callable[[int, Photo], bool], side: str = "train") -> View:
    old = getattr(view, side)
    rows = [i for i, p in enumerate(old.dataset.photos) if wanted(i, p)]
    new = Part(
        dataset=dataclasses.replace(old.dataset, photos=tuple(old.dataset.photos[i] for i in rows)),
        facts=tuple(old.facts[i] for i in rows),
        faces=tuple(old.faces[i] for i in rows),
        embedded=np.arange(len(rows)),
        embeddings=old.embeddings[rows],
    )
    return dataclasses.replace(view, **{side: new})


def with_copy(view: View, row: int, of: int, *, same_bytes: bool, test: bool = False) -> View:
    """Make one photo look like another, of the training or the test photos."""
    source = (view.test if test else view.train).facts[of]
    view = with_facts(view, row, hashes=source.hashes, thumbnail=source.thumbnail)
    if same_bytes:
        sha256 = (view.test if test else view.train).dataset.photos[of].sha256
        view = with_photos(
            view, lambda i, p: dataclasses.replace(p, sha256=sha256) if i == row else p
        )
    return view


def with_embedding(view: View, row: int, value: np.ndarray) -> View:
    values = view.train.embeddings.copy()
    values[row] = value
    return dataclasses.replace(view, train=dataclasses.replace(view.train, embeddings=values))


def class_of(view: View, row: int) -> int:
    return CLASSES.index(view.train.dataset.photos[row].label)


def each(view: View, **rules: Callable[[int], object]) -> View:
    """Set figures of every training photo by its class's number."""
    for row in range(len(view.train.facts)):
        values = {name: rule(class_of(view, row)) for name, rule in rules.items()}
        view = with_facts(view, row, **values)
    return view


def rejected(view: View) -> View:
    dataset = dataclasses.replace(
        view.train.dataset, rejects=(Reject(path="sad/x.jpg", reason="is empty"),)
    )
    return dataclasses.replace(view, train=dataclasses.replace(view.train, dataset=dataset))


def renamed(view: View, row: int, name: str) -> View:
    return with_photos(view, lambda i, p: dataclasses.replace(p, name=name) if i == row else p)


def in_test(view: View, **groups: str) -> View:
    view = with_photos(
        view, lambda _, p: dataclasses.replace(p, groups={**p.groups, **groups}), side="test"
    )
    columns = (*view.test.dataset.group_columns, *groups)
    dataset = dataclasses.replace(view.test.dataset, group_columns=columns)
    return dataclasses.replace(view, test=dataclasses.replace(view.test, dataset=dataset))


def mislabelled(view: View) -> View:
    return with_embedding(view, 3, np.eye(3)[2].repeat(8) * 5.0)


def noise_embeddings(view: View) -> View:
    rng = np.random.default_rng(0)
    values = rng.standard_normal(view.train.embeddings.shape).astype(np.float32)
    return dataclasses.replace(view, train=dataclasses.replace(view.train, embeddings=values))


def look_alike(view: View) -> View:
    other = view.train.facts[9]
    rng = np.random.default_rng(8)
    noise = rng.normal(0, 50, (64, 64))
    near = np.clip(other.thumbnail + noise, 0, 255).astype(np.uint8)
    return with_facts(view, 12, hashes=other.hashes, thumbnail=near)


def strange_class(view: View) -> View:
    dataset = dataclasses.replace(view.test.dataset, classes=(*CLASSES, "surprise"))
    return dataclasses.replace(view, test=dataclasses.replace(view.test, dataset=dataset))


def coloured(number: int) -> np.ndarray:
    return np.tile(np.eye(3)[number], 12).astype(np.float32)


PLANTED: dict[str, Callable[[View], View]] = {
    "M101": rejected,
    "M102": lambda v: with_facts(v, 3, width_px=40),
    "M103": lambda v: with_facts(v, 3, blur=0.8),
    "M104": lambda v: with_facts(v, 3, brightness=0.05, face_brightness=0.05, contrast=0.08),
    "M105": lambda v: with_facts(v, 3, darkest=0.5, brightness=0.98, face_brightness=0.9),
    "M106": lambda v: with_facts(v, 3, chroma=0.0),
    "M107": lambda v: with_facts(v, 3, width_px=1500),
    "M108": lambda v: with_face(v, 3, None),
    "M109": lambda v: with_face(v, 3, face(3)),
    "M110": lambda v: with_face(v, 3, face(box=(-200, 100, 200, 500))),
    "M111": lambda v: with_facts(v, 3, flat_share=0.9, n_colours=0.001, chroma=0.9),
    "M112": lambda v: with_facts(v, 3, page_share=0.5, flat_share=0.7, bars=1),
    "M113": lambda v: with_facts(v, 3, bars=2),
    "M114": lambda v: with_facts(v, 3, format="png"),
    "M201": lambda v: keep(v, lambda i, p: p.label != "sad" or i % 4 == 0),
    "M202": lambda v: keep(
        v, lambda _, p: (p.label, p.groups["skin"], p.groups["gender"]) != ("sad", "dark", "man")
    ),
    "M203": lambda v: regrouped(v, "skin", lambda _, p: "dark" if p.label == "sad" else "light"),
    "M204": lambda v: with_photos(
        v, lambda i, p: dataclasses.replace(p, groups={"skin": "dark"}) if i == 3 else p
    ),
    "M205": lambda v: regrouped(v, "gender", lambda i, _: "woman" if i % 5 == 0 else "man"),
    "M301": lambda v: with_copy(v, 3, 0, same_bytes=True),
    "M302": lambda v: with_copy(v, 3, 0, same_bytes=False),
    "M303": lambda v: with_copy(v, 4, 0, same_bytes=False),
    "M304": look_alike,
    "M305": lambda v: with_copy(v, 3, 3, same_bytes=False, test=True),
    "M306": lambda v: in_test(regrouped(v, "person", lambda i, _: f"p{i}"), person="p7"),
    "M401": lambda v: renamed(v, 3, "happy/sad-face-17.jpg"),
    "M402": mislabelled,
    "M403": noise_embeddings,
    "M501": lambda v: each(v, format=lambda c: "png" if c == 1 else "jpeg"),
    "M502": lambda v: each(v, width_px=lambda c: 400 + 200 * c),
    "M503": lambda v: regrouped(v, "source", lambda _, p: "a" if p.label == "sad" else "b"),
    "M504": lambda v: each(v, background=coloured),
    "M505": lambda v: each(v, brightness=lambda c: 0.3 + 0.2 * c),
    "M601": lambda v: keep(v, lambda i, _: i < 15, side="test"),
    "M602": strange_class,
    "M603": lambda v: dataclasses.replace(
        v, looks=Looks(n_exams=12, n_models=9, n=30, best_correct=19, mean_share=0.5)
    ),
    "M701": lambda v: dataclasses.replace(each(v, skin_angle=lambda _: 60.0), skin_tone=True),
}


def test_photos_that_all_look_alike_are_no_shoot() -> None:
    view = clean()
    twin = Twin(first=0, second=1, mirrored=False, distance=0.2, kept=1.0, edited=True)
    few = [dataclasses.replace(twin, first=i, second=i + 1) for i in range(4)]
    many = [dataclasses.replace(twin, first=i, second=i + 1) for i in range(len(view.photos) // 2)]
    told = {}
    for name, alike in (("few", few), ("many", many)):
        seen = dataclasses.replace(view)
        seen.__dict__["likeness"] = Found(copies=(), alike=tuple(alike))
        told[name] = LookAlikes().run(seen)
    assert "look like one shoot" in told["few"].sentence
    assert "too many to be one shoot" in told["many"].sentence
    assert len(told["many"].pairs) == len(many)


def test_what_is_unknown_has_columns_only_where_there_are_such_photos() -> None:
    dataset = clean().train.dataset
    photos = list(dataset.photos)
    photos[0] = dataclasses.replace(photos[0], groups={"gender": "man"})
    table = count_table(dataclasses.replace(dataset, photos=tuple(photos)), ["skin", "gender"])
    assert [name for name in table.columns if "unknown" in name] == ["unknown man"]
    assert table.n == len(photos)


@pytest.fixture(scope="module")
def clean_findings() -> tuple[Finding, ...]:
    return run_checks(clean())


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.code)
def test_a_check_is_silent_on_clean_photos(check, clean_findings):
    finding = next(f for f in clean_findings if f.code == check.code)
    assert finding.outcome in ("passed", "not applicable", "skipped"), finding.sentence
    assert finding.sentence


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.code)
def test_a_check_finds_its_planted_fault(check):
    finding = check().run(PLANTED[check.code](clean()))
    assert finding.outcome in ("issue", "hint"), finding.sentence
    assert finding.sentence.endswith((".", "!"))
    assert set(finding.photos) <= {
        p.name for p in PLANTED[check.code](clean()).train.dataset.photos
    } | {"sad/x.jpg"}


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.code)
def test_a_check_answers_where_there_is_hardly_anything(check):
    tiny = dataclasses.replace(clean(), test=None, no_embeddings="no backbone")
    tiny = keep(tiny, lambda i, _: i < 2)
    assert check().run(tiny).outcome in OUTCOMES


def test_codes_are_unique_and_titles_too():
    assert len({check.code for check in CHECKS}) == len(CHECKS)
    assert len({check.title for check in CHECKS}) == len(CHECKS)


def test_every_check_has_its_page_and_every_page_its_check():
    text = (ROOT / "docs" / "checks.md").read_text(encoding="utf-8")
    headings = dict(re.findall(r"^### (M\d{3}) (.+?) · (?:high|medium|low)$", text, re.MULTILINE))
    assert headings == {check.code: check.title for check in CHECKS}


def test_every_severity_is_the_one_on_the_page():
    text = (ROOT / "docs" / "checks.md").read_text(encoding="utf-8")
    stated = dict(re.findall(r"^### (M\d{3}) .+? · (\w+)$", text, re.MULTILINE))
    assert stated == {check.code: check.severity for check in CHECKS}


def test_single_photos_are_named():
    named = ["M102", "M103", "M104", "M105", "M106", "M107", "M108", "M109", "M110", "M111",
             "M112", "M113", "M114", "M204"]  # fmt: skip
    for check in CHECKS:
        if check.code in named:
            assert check().run(PLANTED[check.code](clean())).photos == ("happy/003.jpg",)


def test_a_leak_names_both_photos():
    view = PLANTED["M305"](clean())
    finding = next(f for f in run_checks(view) if f.code == "M305")
    assert finding.test_photos == ("happy/1003.jpg",)
    (pair,) = finding.pairs
    assert {(pair.first_in, pair.first), (pair.second_in, pair.second)} == {
        ("train", "happy/003.jpg"),
        ("test", "happy/1003.jpg"),
    }


def test_test_photos_that_a_model_was_trained_on_are_a_leak():
    view = clean()
    known = view.test.dataset.photos[5]
    finding = next(
        f
        for f in run_checks(dataclasses.replace(view, trained_on=frozenset({known.sha256})))
        if f.code == "M305"
    )
    assert finding.test_photos == (known.name,)


def test_doubt_ranks_the_wrong_label_first_and_says_what_it_is_rather():
    finding = next(f for f in run_checks(PLANTED["M402"](clean())) if f.code == "M402")
    worst = finding.details["ranked"][0]
    assert (worst["photo"], worst["thinks"]) == ("happy/003.jpg", "angry")
    assert worst["suspected_in"] == 1.0


def test_where_few_photos_show_a_face_doubt_names_the_recipe_that_needs_none():
    view = clean()
    few = dataclasses.replace(
        view.train, embedded=np.arange(9), embeddings=view.train.embeddings[:9]
    )
    found = {f.code: f for f in run_checks(dataclasses.replace(view, train=few))}
    assert {found[code].outcome for code in ("M402", "M403")} == {"not applicable"}
    assert "--recipe teachable-machine" in found["M402"].sentence


def test_a_group_told_by_the_background_is_a_hint_and_the_class_an_issue():
    view = clean()
    for row, photo in enumerate(view.train.dataset.photos):
        view = with_facts(view, row, background=coloured(int(photo.groups["gender"] == "man")))
    background = next(f for f in run_checks(view) if f.code == "M504")
    assert background.outcome == "hint"
    assert "gender" in background.sentence


def test_a_korean_name_that_begins_as_another_class_does_is_found():
    words = {"happy": "행복한", "sad": "슬픈", "angry": "본노한"}

    def change(i: int, photo: Photo) -> Photo:
        word = words["sad" if i == 3 else photo.label]
        return dataclasses.replace(photo, name=f"{photo.label}/{word}동양남자{i}.jpg")

    finding = next(f for f in run_checks(with_photos(clean(), change)) if f.code == "M401")
    assert finding.photos == ("happy/슬픈동양남자3.jpg",)
    assert finding.details["name_says"] == {"happy/슬픈동양남자3.jpg": "sad"}


def test_camera_names_contradict_nothing():
    view = with_photos(
        clean(), lambda i, p: dataclasses.replace(p, name=f"{p.label}/IMG_{1000 + i}.jpg")
    )
    assert next(f for f in run_checks(view) if f.code == "M401").outcome == "passed"


def test_the_same_seed_gives_the_same_findings():
    assert run_checks(clean()) == run_checks(clean())


def test_a_cell_with_exactly_half_of_the_largest_is_named():
    view = View(train=part(72))  # six photos a cell
    starved = ("sad", "dark", "man")
    mine = [
        i
        for i, p in enumerate(view.train.dataset.photos)
        if (p.label, p.groups["skin"], p.groups["gender"]) == starved
    ]
    assert len(mine) == 6
    gone = set(mine[::2])
    finding = Cells().run(keep(view, lambda i, _: i not in gone))
    assert finding.outcome == "issue"
    assert "(3)" in finding.sentence
    assert "()" not in finding.sentence


def test_photos_of_unknown_groups_make_no_empty_cell():
    def groups(i: int, photo: Photo, given: dict[str, str]) -> Photo:
        return dataclasses.replace(photo, groups=given if i else {})

    view = View(train=part(72))
    finding = Cells().run(with_photos(view, lambda i, p: groups(i, p, dict(p.groups))))
    assert "unknown unknown" in finding.details["table"].columns
    assert finding.outcome == "passed"
    assert "unknown" not in str(finding.details["collect_next"])
    halves = ("skin", "gender")
    view = with_photos(view, lambda i, p: groups(i, p, {halves[i % 2]: p.groups[halves[i % 2]]}))
    finding = Cells().run(view)
    assert finding.outcome == "not applicable"


@pytest.mark.parametrize("n", [60, 30])
def test_of_classes_of_one_size_none_is_named_twice(n: int):
    view = keep(clean(), lambda i, _: i < n)
    finding = next(f for f in run_checks(view) if f.code == "M201")
    assert f"each class has {n // 3} photos" in finding.sentence
    assert knows("ko", finding.sentence)
