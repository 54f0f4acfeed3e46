"""Photos come home from Teachable Machine's projects, and nothing leaves the folder."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mien.archive import open_archive
from mien.errors import DatasetError
from mien.formats.project import is_project, unpack_samples
from mien.workflows.import_ import import_


def jpeg(seed: int) -> bytes:
    buffer = io.BytesIO()
    pixels = np.random.default_rng(seed).integers(0, 256, (24, 24, 3), np.uint8)
    Image.fromarray(pixels).save(buffer, "JPEG")
    return buffer.getvalue()


MANIFEST = {
    "type": "image",
    "version": "2.4.4",
    "appdata": {
        "publishResults": {},
        "trainEpochs": 50,
        "trainBatchSize": 16,
        "trainLearningRate": 0.001,
    },
}


def make_zip(path: Path, files: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return path


@pytest.fixture
def project(tmp_path: Path) -> Path:
    files = {f"놀란-!-{i}.jpg": jpeg(i) for i in range(3)}
    files |= {f"Class 2-!-{i}.jpg": jpeg(10 + i) for i in range(2)}
    files["manifest.json"] = json.dumps(MANIFEST).encode()
    return make_zip(tmp_path / "project.tm", files)


def test_a_project_becomes_class_folders_with_the_photos_own_bytes(
    project: Path, tmp_path: Path
) -> None:
    assert is_project(project)
    samples = unpack_samples(project, out=tmp_path / "photos")
    assert dict(samples.classes) == {"놀란": 3, "Class 2": 2}
    assert samples.settings == {"epochs": 50, "batch_size": 16, "learning_rate": 0.001}
    assert (tmp_path / "photos" / "놀란" / "00001.jpg").read_bytes() == jpeg(1)


def test_import_says_the_command_that_repeats_the_projects_training(
    project: Path, tmp_path: Path
) -> None:
    told = import_(project, out=tmp_path / "photos").plain()
    assert told["kind"] == "photos"
    assert told["next"].endswith("--epochs 50 --batch-size 16 --learning-rate 0.001")


def test_a_zip_of_one_classs_samples_is_called_after_the_zip(tmp_path: Path) -> None:
    path = make_zip(tmp_path / "happy-samples.zip", {f"{i}.jpg": jpeg(i) for i in range(2)})
    assert dict(unpack_samples(path, out=tmp_path / "a").classes) == {"happy": 2}
    assert dict(unpack_samples(path, out=tmp_path / "b", label="glad").classes) == {"glad": 2}


def test_a_zip_of_class_folders_keeps_them_and_ignores_what_systems_add(tmp_path: Path) -> None:
    files = {"d/happy/1.jpg": jpeg(1), "d/sad/1.jpg": jpeg(2)}
    files |= {"__MACOSX/d/happy/._1.jpg": b"x", "d/.DS_Store": b"x", "d/Thumbs.db": b"x"}
    samples = unpack_samples(make_zip(tmp_path / "d.zip", files), out=tmp_path / "photos")
    assert dict(samples.classes) == {"happy": 1, "sad": 1}
    assert not samples.rejects


def test_what_is_no_photo_is_a_named_reject(tmp_path: Path) -> None:
    files = {"happy-!-0.jpg": jpeg(1), "happy-!-1.jpg": b"<script>"}
    samples = unpack_samples(make_zip(tmp_path / "p.tm", files), out=tmp_path / "photos")
    assert [one.path for one in samples.rejects] == ["happy-!-1.jpg"]
    assert samples.rejects[0].reason


@pytest.mark.parametrize(
    ("label", "folder"),
    [
        ("a/b", "a b"),
        ("con", "con class"),
        ("  .. ", "class"),
        ("what?*", "what"),
        ("x" * 300, "x" * 100),
    ],
)
def test_a_class_name_that_is_no_folder_name_becomes_one(
    label: str, folder: str, tmp_path: Path
) -> None:
    files = {f"{label}-!-0.jpg": jpeg(0)}
    samples = unpack_samples(make_zip(tmp_path / "p.tm", files), out=tmp_path / "photos")
    assert dict(samples.classes) == {folder: 1}
    assert [p.name for p in (tmp_path / "photos").iterdir()] == [folder]


def test_two_labels_that_would_share_a_folder_do_not(tmp_path: Path) -> None:
    files = {"Happy-!-0.jpg": jpeg(0), "happy-!-0.jpg": jpeg(1), "happy?-!-0.jpg": jpeg(2)}
    samples = unpack_samples(make_zip(tmp_path / "p.tm", files), out=tmp_path / "photos")
    assert dict(samples.classes) == {"Happy": 1, "happy 2": 1, "happy 3": 1}


@pytest.mark.parametrize(
    ("files", "word"),
    [
        ({"manifest.json": b"{"}, "not JSON"),
        ({"manifest.json": b'{"type": "audio"}'}, "type 'audio'"),
        ({"manifest.json": json.dumps(MANIFEST).encode()}, "no photos"),
        ({"a.txt": b"x"}, "no photos"),
    ],
)
def test_what_is_no_image_project_is_refused(
    files: dict[str, bytes], word: str, tmp_path: Path, refused: Callable[..., str]
) -> None:
    path = make_zip(tmp_path / "p.tm", files)
    assert word in refused(unpack_samples, path, out=tmp_path / "photos")


def test_a_folder_that_holds_something_is_not_written_into(
    project: Path, tmp_path: Path, refused: Callable[..., str]
) -> None:
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "mine.txt").write_text("mine")
    assert "not empty" in refused(unpack_samples, project, out=tmp_path / "photos")


def test_a_model_file_that_is_there_is_not_overwritten(
    lite: bytes, tmp_path: Path, refused: Callable[..., str]
) -> None:
    (tmp_path / "model.tflite").write_bytes(lite)
    assert import_(tmp_path / "model.tflite", out=tmp_path / "m.onnx").kind == "model"
    assert "there already" in refused(import_, tmp_path / "model.tflite", out=tmp_path / "m.onnx")


BAD_NAMES = ["../x.jpg", "a/../../x.jpg", "/etc/x.jpg", "C:/x.jpg", "a\\..\\x.jpg", "a\x01.jpg"]


@pytest.mark.parametrize("name", BAD_NAMES)
def test_a_name_that_leaves_the_folder_is_refused_before_anything_is_written(
    name: str, tmp_path: Path, refused: Callable[..., str]
) -> None:
    path = make_zip(tmp_path / "p.tm", {"happy-!-0.jpg": jpeg(0), name: jpeg(1)})
    assert "leaves its folder" in refused(unpack_samples, path, out=tmp_path / "photos")
    assert not (tmp_path / "photos").exists()


def test_links_bombs_twins_and_locked_entries_are_refused(
    tmp_path: Path, refused: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with zipfile.ZipFile(tmp_path / "link.zip", "w") as archive:
        info = zipfile.ZipInfo("a.jpg")
        info.external_attr = 0o120777 << 16
        archive.writestr(info, "/etc/passwd")
    with zipfile.ZipFile(tmp_path / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.jpg", bytes(32 << 20))
    with zipfile.ZipFile(tmp_path / "twins.zip", "w") as archive:
        archive.writestr("a.jpg", b"1")
        with pytest.warns(UserWarning, match="Duplicate"):
            archive.writestr("a.jpg", b"2")
    nameless = make_zip(tmp_path / "n.zip", {"a": b"1"}).read_bytes()
    at = nameless.index(b"PK\x01\x02")
    entry = bytearray(nameless[at:])
    entry[28:30] = b"\0\0"  # the length of the name
    del entry[46:47]
    end = entry.index(b"PK\x05\x06")
    entry[end + 12 : end + 16] = end.to_bytes(4, "little")
    (tmp_path / "nameless.zip").write_bytes(nameless[:at] + bytes(entry))
    locked = bytearray(make_zip(tmp_path / "l.zip", {"a.jpg": b"1"}).read_bytes())
    for at in (6, locked.index(b"PK\x01\x02") + 8):  # the flag «encrypted» in both headers
        locked[at] |= 1
    (tmp_path / "locked.zip").write_bytes(locked)
    for name, word in (
        ("link.zip", "is a link"),
        ("nameless.zip", "without a name"),
        ("bomb.zip", "times its size"),
        ("twins.zip", "two entries of one name"),
        ("locked.zip", "cannot be unpacked"),
    ):
        assert word in refused(unpack_samples, tmp_path / name, out=tmp_path / "out"), name
    plain = make_zip(tmp_path / "plain.zip", {"a": bytes(100), "b": bytes(100)})
    with open_archive(plain, error=DatasetError) as archive:
        assert "more than 10 bytes" in refused(archive.read, "a", limit_bytes=10)
        assert "holds no" in refused(archive.read, "c", limit_bytes=10)
        monkeypatch.setattr("mien.archive.MAX_TOTAL_BYTES", 150)
        archive.read("a", limit_bytes=1000)
        assert "unpacks to over 150 bytes" in refused(archive.read, "b", limit_bytes=1000)
    monkeypatch.setattr("mien.archive.MAX_ENTRIES", 1)
    assert "entries" in refused(unpack_samples, plain, out=tmp_path / "out")
