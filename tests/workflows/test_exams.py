import dataclasses
from pathlib import Path

import pytest

from mien.digest import digest_text
from mien.errors import UserError
from mien.records import Dataset, Photo
from mien.workflows.exams import (
    fingerprint,
    looks_at,
    looks_sentence,
    model_digest,
    new_look,
    record_looks,
)


def dataset(root: Path, n: int = 30) -> Dataset:
    root.mkdir(exist_ok=True)
    photos = tuple(
        Photo(path=root / str(i), name=f"a/{i}", sha256=digest_text(str(i)), label="a")
        for i in range(n)
    )
    return Dataset(root=root, classes=("a",), photos=photos)


def test_every_exam_is_counted_and_a_model_twice_is_one_model(tmp_path):
    tested = dataset(tmp_path / "test")
    assert looks_at(tested) is None
    for model, correct in (("m1", 15), ("m2", 18), ("m1", 15)):
        record_looks(tested, [new_look(tested, model=model, name=model, correct=correct)])
    looks = looks_at(tested)
    assert (looks.n_exams, looks.n_models, looks.n, looks.best_correct) == (3, 2, 30, 18)
    assert looks.mean_share == pytest.approx(0.55)
    assert (tmp_path / "test" / "exams.csv").read_text().count("\n") == 4


def test_the_sentence_says_what_luck_would_give(tmp_path):
    tested = dataset(tmp_path / "test")
    looks = [new_look(tested, model=f"m{i}", name="m", correct=15) for i in range(22)]
    record_looks(tested, looks)
    sentence = looks_sentence(looks_at(tested))
    assert "22 models have been judged on these 30 test photos" in sentence
    assert "best would be expected at 67 %" in sentence
    assert looks_sentence(None) is None


def test_renamed_photos_are_the_same_test_set_and_others_are_not(tmp_path):
    tested = dataset(tmp_path / "test")
    record_looks(tested, [new_look(tested, model="m", name="m", correct=3)])
    renamed = dataclasses.replace(
        tested,
        photos=tuple(dataclasses.replace(p, name="b" + p.name) for p in tested.photos[::-1]),
    )
    assert fingerprint(renamed) == fingerprint(tested)
    assert looks_at(renamed).n_exams == 1
    assert looks_at(dataclasses.replace(tested, photos=tested.photos[:20])) is None


def test_where_the_folder_cannot_be_written_the_record_goes_to_the_user(tmp_path):
    tested = dataset(tmp_path / "test")
    gone = dataclasses.replace(tested, root=Path("/proc/nowhere"))
    said: list[str] = []
    look = new_look(gone, model="m", name="m", correct=3)
    record_looks(gone, [look], say=said.append)
    assert looks_at(gone).n_exams == 1
    assert "cannot be written: the record of exams is" in said[0]


def test_a_broken_record_is_one_clear_error(tmp_path):
    tested = dataset(tmp_path / "test")
    (tmp_path / "test" / "exams.csv").write_text("when,what\n1,2\n")
    with pytest.raises(UserError, match="is not a record of exams"):
        looks_at(tested)


def test_a_model_is_known_by_its_file(tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "model.onnx").write_bytes(b"x")
    assert model_digest(tmp_path / "run") == model_digest(tmp_path / "run" / "model.onnx")
    record_looks(dataset(tmp_path / "test"), [])
    assert not (tmp_path / "test" / "exams.csv").exists()


def test_a_model_that_is_a_folder_is_known_by_all_of_its_files(tmp_path: Path) -> None:
    for name, text in (("model.json", "{}"), ("weights.bin", "1")):
        (tmp_path / name).write_text(text)
    first = model_digest(tmp_path)
    (tmp_path / "weights.bin").write_text("2")
    assert first != model_digest(tmp_path)
