import errno
import io
import os
import struct
import sys
import unicodedata
from pathlib import Path

import pytest
from PIL import Image

from mien.dataset.folder import read_dataset, read_photos, require_enough, without
from mien.digest import digest_bytes
from mien.errors import DatasetError, PhotoError
from mien.image.decode import decode
from mien.records import Reject


def picture(kind: str = "JPEG", seed: int = 0, size: tuple[int, int] = (24, 24)) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", size, (seed * 37 % 256, seed * 91 % 256, seed * 13 % 256)).save(file, kind)
    return file.getvalue()


def put(path: Path, data: bytes | None = None, seed: int = 0) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(picture(seed=seed) if data is None else data)
    return path


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    for i, name in enumerate(["happy/a.jpg", "happy/b.jpg", "sad/c.jpg", "sad/deep/er/d.jpg"]):
        put(tmp_path / "photos" / name, seed=i + 1)
    return tmp_path / "photos"


def names(dataset: object) -> list[str]:
    return [photo.name for photo in dataset.photos]


def reasons(dataset: object) -> dict[str, str]:
    return {reject.path: reject.reason for reject in dataset.rejects}


def test_class_folders_give_labels_names_and_digests(photos):
    dataset = read_dataset(photos)
    assert dataset.classes == ("happy", "sad")
    assert names(dataset) == ["happy/a.jpg", "happy/b.jpg", "sad/c.jpg", "sad/deep/er/d.jpg"]
    assert [photo.label for photo in dataset.photos] == ["happy", "happy", "sad", "sad"]
    assert dataset.photos[0].sha256 == digest_bytes(picture(seed=1))
    assert dataset.rejects == ()
    assert dataset.group_columns == ()


def test_what_systems_leave_behind_is_ignored_in_silence(photos):
    for name in (".DS_Store", "Thumbs.db", "desktop.ini", "._a.jpg", ".hidden.jpg"):
        put(photos / "happy" / name)
        put(photos / name)
    for folder in ("__MACOSX", ".mien", ".git"):
        put(photos / folder / "x.jpg")
        put(photos / "sad" / folder / "x.jpg")
    put(photos / "README.md", b"about")
    dataset = read_dataset(photos)
    assert len(dataset.photos) == 4
    assert dataset.rejects == ()


def bomb() -> bytes:
    header = struct.pack("<IiiHHIIiiII", 40, 40000, 40000, 1, 24, 0, 0, 1, 1, 0, 0)
    return b"BM" + struct.pack("<IHHI", 54, 0, 0, 54) + header


def flipped(data: bytes) -> bytes:
    return data[:40] + bytes(255 - b for b in data[40:])


# name -> (bytes, whether the folder itself can tell). The others come to light on decoding.
BAD_FILES: dict[str, tuple[bytes, bool]] = {
    "empty.jpg": (b"", True),
    "text.jpg": (b"this is a text", True),
    "page.jpg": (b"<!DOCTYPE html><title>404</title>", True),
    "drawing.svg": (b"<svg xmlns='http://www.w3.org/2000/svg'></svg>", True),
    "document.pdf": (b"%PDF-1.7\n...", True),
    "archive.zip": (b"PK\x03\x04....", True),
    "phone.heic": (b"\0\0\0\x18ftypheic....", True),
    "film.mp4": (b"\0\0\0\x18ftypmp42....", True),
    "zeros.png": (bytes(500), True),
    "noise.png": (bytes(range(256)), True),
    "script.py": (b"print('hello')", True),
    "model.h5": (b"\x89HDF\r\n\x1a\n....", True),
    "begins-with-bm.txt": (b"BM is the start of this long enough text", True),
    "icon.ico": (b"\0\0\1\0\1\0\x10\x10....", True),
    "cut-head.jpg": (picture("JPEG")[:20], False),
    "cut-half.jpg": (picture("JPEG", size=(200, 200))[:500], False),
    "cut.png": (picture("PNG", size=(200, 200))[:100], False),
    "cut.webp": (picture("WEBP")[:31], False),
    "cut.gif": (picture("GIF")[:20], False),
    "cut.bmp": (picture("BMP")[:100], False),
    "cut.tif": (picture("TIFF")[:60], False),
    "flipped.png": (flipped(picture("PNG")), False),
    "bomb.bmp": (bomb(), False),
    "magic-only.jpg": (b"\xff\xd8\xff\xe0", False),
    "magic-only.png": (b"\x89PNG\r\n\x1a\n", False),
}


def test_every_bad_file_is_named_with_its_reason_and_the_good_ones_are_used(photos):
    for name, (data, _) in BAD_FILES.items():
        put(photos / "happy" / name, data)
    os.mkfifo(photos / "sad" / "pipe.jpg")
    (photos / "sad" / "nothing.jpg").symlink_to("nowhere.jpg")
    (photos / "sad" / "out.jpg").symlink_to(put(photos.parent / "elsewhere.jpg"))
    (photos / "sad" / "circle").symlink_to(photos / "sad")
    put(photos / "stray.jpg")

    dataset = read_dataset(photos)
    late = [Reject(path=p.name, reason=why) for p in dataset.photos if (why := decoded_reason(p))]
    dataset = without(dataset, late)

    found = reasons(dataset)
    assert names(dataset) == ["happy/a.jpg", "happy/b.jpg", "sad/c.jpg", "sad/deep/er/d.jpg"]
    assert set(found) == {f"happy/{name}" for name in BAD_FILES} | {
        "sad/pipe.jpg",
        "sad/nothing.jpg",
        "sad/out.jpg",
        "sad/circle",
        "stray.jpg",
    }
    assert all(found.values())
    assert found["sad/pipe.jpg"] == "is not a regular file"
    assert found["sad/nothing.jpg"] == "is a link to nothing"
    assert found["sad/out.jpg"] == "is a link that leaves the folder"
    assert found["sad/circle"] == "is a link to a folder"
    assert found["stray.jpg"] == "lies outside the class folders"
    assert found["happy/bomb.bmp"].startswith("is too large")
    early = {name for name, (_, at_once) in BAD_FILES.items() if at_once}
    assert early == {r.path[6:] for r in read_dataset(photos).rejects if r.path[:6] == "happy/"}


def decoded_reason(photo: object) -> str:
    try:
        decode(photo.path.read_bytes())
    except PhotoError as error:
        return error.message
    return ""


def test_an_unreadable_file_is_a_reject(photos, monkeypatch):
    secret = put(photos / "happy" / "secret.jpg")
    secret.chmod(0)
    really_open = os.open

    def refuse(path, *arguments, **more):
        # Root may read everything: what others are told is said in its place.
        if os.fspath(path) == os.fspath(secret):
            raise PermissionError(errno.EACCES, "Permission denied", os.fspath(path))
        return really_open(path, *arguments, **more)

    monkeypatch.setattr(os, "open", refuse)
    assert reasons(read_dataset(photos)) == {
        "happy/secret.jpg": "cannot be read (Permission denied)"
    }


@pytest.mark.skipif(sys.platform != "linux", reason="other systems refuse such names themselves")
def test_a_name_that_is_no_text_is_a_reject(photos):
    with open(os.path.join(os.fsencode(photos), b"happy", b"bad\xff.jpg"), "wb") as file:  # noqa: PTH118, PTH123
        file.write(picture())
    assert reasons(read_dataset(photos)) == {
        r"happy/bad\xff.jpg": "has a name that is not valid UTF-8; rename it"
    }


def test_a_link_inside_the_folder_is_a_photo(photos):
    (photos / "sad" / "link.jpg").symlink_to(photos / "happy" / "a.jpg")
    assert "sad/link.jpg" in names(read_dataset(photos))


def test_names_are_nfc_whatever_the_disk_says(photos):
    put(photos / unicodedata.normalize("NFD", "놀란") / unicodedata.normalize("NFD", "동양.jpg"))
    dataset = read_dataset(photos)
    assert dataset.classes == ("happy", "sad", "놀란")
    assert "놀란/동양.jpg" in names(dataset)


def test_two_normal_forms_of_one_name_are_one_class_and_one_reject(photos):
    for i, form in enumerate(("NFC", "NFD")):
        folder = photos / unicodedata.normalize(form, "슬픈")
        put(folder / f"{i}.jpg", seed=i)
        put(folder / "same.jpg", seed=i + 5)
    dataset = read_dataset(photos)
    assert dataset.classes == ("happy", "sad", "슬픈")
    assert {"슬픈/0.jpg", "슬픈/1.jpg", "슬픈/same.jpg"} <= set(names(dataset))
    assert "Unicode normal form" in reasons(dataset)["슬픈/same.jpg"]


def test_groups_come_from_the_table_in_either_normal_form(photos):
    put(photos / "sad" / unicodedata.normalize("NFD", "슬픈.jpg"), seed=9)
    (photos / "groups.csv").write_text(
        "path,label,skin,gender\n./happy/a.jpg,happy,brown,man\n"
        "sad\\c.jpg,,white,\nsad/슬픈.jpg,sad,black,woman\nsad/gone.jpg,sad,white,man\n",
        encoding="utf-8-sig",
    )
    dataset = read_dataset(photos)
    groups = {photo.name: dict(photo.groups) for photo in dataset.photos}
    assert dataset.group_columns == ("skin", "gender")
    assert groups["happy/a.jpg"] == {"skin": "brown", "gender": "man"}
    assert groups["sad/c.jpg"] == {"skin": "white"}
    assert groups["sad/슬픈.jpg"] == {"skin": "black", "gender": "woman"}
    assert groups["happy/b.jpg"] == {}
    assert reasons(dataset) == {
        "sad/gone.jpg": "is listed in groups.csv, and there is no such file"
    }


@pytest.mark.parametrize("delimiter", [";", "\t"])
def test_excels_other_delimiters_are_understood(photos, delimiter):
    (photos / "groups.csv").write_text(f"path{delimiter}skin\nhappy/a.jpg{delimiter}brown\n")
    assert read_dataset(photos).photos[0].groups == {"skin": "brown"}


def test_groups_come_from_names_and_the_table_goes_before(photos):
    put(photos / "happy" / "p7-놀란동양.jpg")
    (photos / "groups.csv").write_text("path,person\nhappy/a.jpg,p1\n")
    pattern = unicodedata.normalize("NFD", "(?P<person>p[0-9]+|^a).*?(?P<skin>동양|서양)?[.]")
    dataset = read_dataset(photos, groups_from_name=pattern)
    groups = {photo.name: dict(photo.groups) for photo in dataset.photos}
    assert dataset.group_columns == ("person", "skin")
    assert groups["happy/a.jpg"] == {"person": "p1"}
    assert groups["happy/p7-놀란동양.jpg"]["person"] == "p7"


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (b"", "has no column 'path', it has none"),
        (b"file,skin\na,b\n", "has no column 'path', it has file, skin"),
        (b"path,skin,skin\n", "column 'skin' twice"),
        (b"path,\n", "a column without a name"),
        ("path,skin\nhappy/a.jpg,갈색\n".encode("cp949"), "is not UTF-8 text"),
        (b"path,skin\nhappy/a.jpg,a,b\n", "line 2 has 3 cells, the header has 2"),
        (b"path,skin\nhappy/a.jpg,a\nhappy/a.jpg,b\n", "line 3 gives 'happy/a.jpg' other groups"),
        (b"path,label\nhappy/a.jpg,sad\n", "lies in class folder 'happy', groups.csv says 'sad'"),
        (b'path,skin\nhappy/a.jpg,"' + b"x" * 200_000 + b'"\n', "is not CSV"),
    ],
)
def test_a_table_that_cannot_be_used_is_one_clear_error(photos, table, message):
    (photos / "groups.csv").write_bytes(table)
    with pytest.raises(DatasetError, match=message):
        read_dataset(photos)


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        ("(", "is not a regular expression"),
        ("p[0-9]+", "has no named group"),
        ("(?P<x>zzz)", "matches none of the 4 file names"),
    ],
)
def test_a_pattern_that_cannot_be_used_is_one_clear_error(photos, pattern, message):
    with pytest.raises(DatasetError, match=message):
        read_dataset(photos, groups_from_name=pattern)


def test_classes_txt_gives_the_order(photos):
    (photos / "classes.txt").write_text("sad\nhappy\n")
    assert read_dataset(photos).classes == ("sad", "happy")


@pytest.mark.parametrize("text", ["sad\n", "sad\nhappy\nangry\n", "sad\nhappy\nhappy\n"])
def test_classes_txt_must_name_each_folder_once(photos, text):
    (photos / "classes.txt").write_text(text)
    with pytest.raises(DatasetError, match=r"do not agree on '(happy|angry)'"):
        read_dataset(photos)


def test_classes_txt_must_be_text(photos):
    (photos / "classes.txt").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(DatasetError, match=r"cannot read .*classes.txt"):
        read_dataset(photos)


def test_a_folder_of_the_wrong_shape_is_told_what_is_expected(tmp_path):
    with pytest.raises(DatasetError, match=r"does not exist .* one folder for each class"):
        read_dataset(tmp_path / "nowhere")
    with pytest.raises(DatasetError, match=r"is a file, a folder of class folders is expected"):
        read_dataset(put(tmp_path / "file.jpg"))
    with pytest.raises(DatasetError, match=r"holds no class folders"):
        read_dataset(tmp_path)
    put(tmp_path / "only" / "a.jpg")
    with pytest.raises(DatasetError, match=r"holds 1 class folder \('only'\), at least 2"):
        read_dataset(tmp_path)
    assert len(read_dataset(tmp_path, min_classes=1).photos) == 1


def test_a_folder_of_splits_is_recognised(tmp_path, photos):
    photos.rename(tmp_path / "train")
    with pytest.raises(DatasetError, match=r"parts of a split, not classes .*train'"):
        read_dataset(tmp_path)


def test_a_wrapped_folder_is_recognised(tmp_path, photos):
    with pytest.raises(DatasetError, match=r"Did you mean '.*photos'\?"):
        read_dataset(tmp_path)


def test_a_class_folder_with_an_odd_name_is_refused(photos):
    put(photos / "ang\nry" / "a.jpg")
    with pytest.raises(DatasetError, match="control character"):
        read_dataset(photos)


def test_too_few_photos_are_one_error_that_names_the_classes(photos):
    (photos / "angry").mkdir()
    put(photos / "happy" / "broken.jpg", b"")
    dataset = read_dataset(photos)
    require_enough(without(dataset, []), minimum=0)
    with pytest.raises(DatasetError) as caught:
        require_enough(dataset, minimum=2)
    assert caught.value.message == "class 'angry' has 0 usable photos, at least 2 are needed"
    assert "1 files were left out; 'happy/broken.jpg' is empty" in caught.value.hint


def test_progress_is_told_to_the_end(photos):
    told: list[tuple[str, int, int]] = []
    read_dataset(photos, progress=lambda *step: told.append(step))
    assert told[-1] == ("reading photos", 4, 4)


def test_photos_to_predict_keep_their_order_and_names(photos, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    put(photos / "sad" / ".hidden.jpg")
    put(photos / "sad" / "bad.jpg", b"text")
    paths = [Path("photos/sad"), Path("photos/happy/b.jpg"), Path("none.jpg"), Path("photos")]
    found, rejects = read_photos([*paths, Path("photos/sad/.hidden.jpg")])
    assert [photo.name for photo in found] == [
        "photos/sad/c.jpg",
        "photos/sad/deep/er/d.jpg",
        "photos/happy/b.jpg",
        "photos/happy/a.jpg",
        "photos/sad/.hidden.jpg",
    ]
    assert {photo.label for photo in found} == {None}
    assert [reject.path for reject in rejects] == ["photos/sad/bad.jpg", "none.jpg"]


def test_reading_twice_gives_the_same_record(photos):
    assert read_dataset(photos) == read_dataset(photos)


@pytest.mark.study
def test_the_studys_folder_reads_as_its_readme_says(shared):
    dataset = read_dataset(shared / "paper" / "train")
    assert len(dataset.photos) == 246
    assert dataset.group_columns == ("skin", "gender")
    assert dataset.rejects == ()
    pattern = "(?P<race>동양|서양|흑인)(?P<sex>남자|여자)"
    named = read_dataset(shared / "paper" / "train", groups_from_name=pattern)
    odd = [photo.name for photo in named.photos if len(photo.groups) != 4]
    assert odd == ["expressionless/무표정서양여1.jpg"]  # its name lacks a letter
