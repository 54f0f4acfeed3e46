"""The main job, end to end, on drawn faces."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import onnxruntime
import pytest

from mien.errors import DatasetError, RecipeError, UserError
from mien.records import plain
from mien.workflows import runs
from mien.workflows.answers import ask
from mien.workflows.exam_photos import read_test_photos
from mien.workflows.models import open_model
from mien.workflows.predict import predict
from mien.workflows.test import test as examine_models
from mien.workflows.train import train

pytestmark = pytest.mark.usefixtures("small_backbone")


@pytest.fixture
def photos(drawn: Path, tmp_path: Path) -> Path:
    cache = shutil.ignore_patterns(".mien")
    return Path(shutil.copytree(drawn, tmp_path / "drawn", ignore=cache))


def test_a_run_holds_what_the_record_says(photos: Path, tmp_path: Path) -> None:
    record = train(
        photos / "train",
        recipe="small",
        test=photos / "test",
        seeds=3,
        cross_validate=(2, 3),
        out=tmp_path / "run",
    )
    assert record.n_photos == 36
    assert record.n_embedded == 36 + 12
    assert [seed.seed for seed in record.seeds] == [0, 1, 2]
    scores = [seed.test_accuracy for seed in record.seeds]
    assert record.test is not None
    assert record.test.mean == pytest.approx(np.mean(scores))
    assert record.cross_validation is not None
    assert record.cross_validation.n == 6
    assert {part.name for part in record.cross_validation.per_group} > {"gender=man", "skin=brown"}
    assert runs.read_run(tmp_path / "run") == json.loads(json.dumps(plain(record)))
    history = json.loads((tmp_path / "run" / runs.HISTORY).read_text())
    assert len(history["0"]["train_loss"]) == 20
    assert "AI Act" in (tmp_path / "run" / runs.CARD).read_text()


def test_the_same_training_twice_embeds_nothing_and_answers_the_same(
    photos: Path, tmp_path: Path
) -> None:
    first = train(photos / "train", recipe="small", test=photos / "test", out=tmp_path / "a")
    again = train(photos / "train", recipe="small", test=photos / "test", out=tmp_path / "b")
    assert again.n_embedded == 0
    assert first.exam == again.exam
    a, b = ((tmp_path / run / runs.MODEL).read_bytes() for run in "ab")
    assert a == b


def test_the_exam_of_a_run_equals_a_test_of_its_model(photos: Path, tmp_path: Path) -> None:
    record = train(
        photos / "train", recipe="small-logistic", test=photos / "test", out=tmp_path / "run"
    )
    (result,) = examine_models(tmp_path / "run", photos=photos / "test").results
    assert result.exam == record.exam
    assert record.exam is not None
    # Scored on cached embeddings and through the whole graph: the same answers.
    assert record.seeds[0].test_correct == record.exam.correct


@pytest.mark.parametrize("recipe", ["small", "small-logistic"])
def test_plain_onnxruntime_gives_the_same_probabilities(
    photos: Path, tmp_path: Path, recipe: str
) -> None:
    train(photos / "train", recipe=recipe, out=tmp_path / "run")
    path = tmp_path / "run" / runs.MODEL
    image = np.random.default_rng(0).uniform(-1, 1, (3, 32, 32, 3)).astype(np.float32)
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    (probs,) = session.run(["probs"], {"image": image})
    assert np.abs(probs - open_model(path).probs(image)).max() < 1e-5


def test_a_test_photo_among_the_training_photos_stops_the_training(
    photos: Path, tmp_path: Path
) -> None:
    leaked = next((photos / "train" / "happy").glob("*.jpg"))
    shutil.copy(leaked, photos / "test" / "happy" / "leaked.jpg")
    with pytest.raises(DatasetError, match=r"1 of 13 test photos.*happy/leaked\.jpg"):
        train(photos / "train", recipe="small", test=photos / "test", out=tmp_path / "run")
    assert not (tmp_path / "run").exists()
    record = train(
        photos / "train", recipe="small", test=photos / "test", allow_leak=True, out=tmp_path / "r"
    )
    assert record.shared == ("happy/leaked.jpg",)
    assert record.exam is not None
    assert record.exam.without_shared is not None
    assert record.exam.without_shared.n == 12


def test_unreadable_photos_are_named_and_the_others_are_used(photos: Path, tmp_path: Path) -> None:
    whole = next((photos / "train" / "sad").glob("*.jpg"), None) or next(
        (photos / "train" / "happy").glob("*.jpg")
    )
    (photos / "train" / "happy" / "half.jpg").write_bytes(whole.read_bytes()[:900])
    (photos / "train" / "happy" / "empty.jpg").touch()
    (photos / "train" / "happy" / "note.txt").write_text("no picture")
    record = train(photos / "train", recipe="small", out=tmp_path / "run")
    assert record.n_photos == 36
    assert {Path(one.path).name for one in record.rejects} == {"half.jpg", "empty.jpg", "note.txt"}
    assert all(one.reason for one in record.rejects)


def test_a_test_photo_without_an_answer_counts_as_wrong(photos: Path, tmp_path: Path) -> None:
    whole = next((photos / "test" / "happy").glob("*.jpg"))
    (photos / "test" / "happy" / "half.jpg").write_bytes(whole.read_bytes()[:900])
    record = train(photos / "train", recipe="small", test=photos / "test", out=tmp_path / "run")
    assert record.exam is not None
    assert record.exam.n == 13
    assert record.exam.unanswered == ("happy/half.jpg",)
    assert record.seeds[0].test_accuracy == pytest.approx(record.exam.correct / 13)


def test_a_class_with_too_few_photos_is_named(photos: Path, tmp_path: Path) -> None:
    for photo in sorted((photos / "train" / "angry").glob("*.jpg"))[1:]:
        photo.unlink()
    with pytest.raises(DatasetError, match="angry"):
        train(photos / "train", recipe="small", out=tmp_path / "run")


def test_an_unknown_setting_stops_before_any_work(photos: Path) -> None:
    with pytest.raises(RecipeError, match="unknown setting 'epoch'"):
        train(photos / "train", recipe="small", epoch=3)
    with pytest.raises(RecipeError, match="seeds is 0"):
        train(photos / "train", recipe="small", seeds=0)
    assert not (photos / "train" / ".mien").exists()


def test_a_backbone_of_another_size_is_refused(photos: Path) -> None:
    with pytest.raises(RecipeError, match=r"gives 64 px.*takes 32 px"):
        train(
            photos / "train",
            recipe="small",
            preprocessing="crop:centre | resize:64:area | scale:-1:1",
        )


def test_a_folder_that_is_no_run_is_not_written_into(photos: Path) -> None:
    with pytest.raises(UserError, match="not empty"):
        train(photos / "train", recipe="small", out=photos)


def test_a_diverged_training_is_named(photos: Path, tmp_path: Path) -> None:
    record = train(photos / "train", recipe="small", learning_rate=10.0, out=tmp_path / "run")
    assert record.seeds[0].diverged
    assert any("diverged" in sentence for sentence in record.sentences)


def test_answers_do_not_depend_on_what_else_is_asked(photos: Path, tmp_path: Path) -> None:
    train(photos / "train", recipe="small-logistic", out=tmp_path / "run")
    model = open_model(tmp_path / "run")
    dataset = read_test_photos(photos / "test", labels=model.labels)
    (together,) = ask([model], dataset.photos)
    for photo, answer in zip(dataset.photos, together, strict=True):
        ((alone,),) = ask([model], [photo])
        assert alone.probs is not None
        assert answer.probs is not None
        assert alone.probs.tobytes() == answer.probs.tobytes()


def test_an_unknown_class_of_test_photos_is_named(photos: Path, tmp_path: Path) -> None:
    train(photos / "train", recipe="small", out=tmp_path / "run")
    (photos / "test" / "happy").rename(photos / "test" / "glad")
    with pytest.raises(DatasetError, match=r"'glad'.*angry, happy, surprise"):
        examine_models(tmp_path / "run", photos=photos / "test")


def test_predict_gives_a_class_or_a_reason(photos: Path, tmp_path: Path) -> None:
    train(photos / "train", recipe="small", out=tmp_path / "run")
    (photos / "test" / "note.txt").write_text("no picture")
    record = predict(tmp_path / "run", photos / "test")
    answered = [one for one in record.photos if one.predicted]
    assert len(answered) == 12
    assert all(sum((one.probs or {}).values()) == pytest.approx(1) for one in answered)
    assert [Path(one.path).name for one in record.rejects] == ["note.txt"]


def test_predict_without_any_photo_is_an_error(photos: Path, tmp_path: Path) -> None:
    train(photos / "train", recipe="small", out=tmp_path / "run")
    (tmp_path / "nothing").mkdir()
    with pytest.raises(DatasetError, match="there are no photos"):
        predict(tmp_path / "run", tmp_path / "nothing")


def test_what_is_no_model_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="there is no model"):
        open_model(tmp_path / "gone.onnx")
    with pytest.raises(UserError, match=r"holds no model: neither the run\.json"):
        open_model(tmp_path)
    (tmp_path / "run.json").write_text("[]")
    with pytest.raises(UserError, match="not a run record"):
        open_model(tmp_path)


@pytest.mark.study
def test_the_study_models_answer_as_measured(shared: Path) -> None:
    """All 22 exported Teachable Machine models, photo by photo."""
    reference = json.loads((shared / "paper" / "reference.json").read_text())["models"]
    paths = sorted((shared / "paper" / "models").glob("*/keras_model.h5"))
    assert len(paths) == 22
    record = examine_models(paths, photos=shared / "paper" / "test")
    for path, result in zip(paths, record.results, strict=True):
        expected = reference[path.parent.name]
        answers = sorted(result.exam.photos, key=lambda one: int(Path(one.path).stem[9:]))
        assert result.exam.correct == expected["correct"]
        assert [one.predicted for one in answers] == expected["predicted"]
        top = [max(one.probs or ()) for one in answers]
        assert np.abs(np.array(top) - expected["probability_of_predicted"]).max() < 0.005
