from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mien.backbone.embed import Embedded, Glean, embed, embed_in_passing, prepare
from mien.backbone.session import open_session
from mien.backbone.weights import Backbone, random_backbone
from mien.cache import Cache
from mien.digest import digest_bytes
from mien.errors import ModelError, PhotoError
from mien.image.decode import Decoded, decode
from mien.image.preprocessing import Preprocessing
from mien.records import Face, FaceFinder, Photo, Pixels

CENTRE = Preprocessing.parse("orient | crop:centre | resize:32:area | scale:-1:1")
FACE = Preprocessing.parse("orient | crop:face(1.2,fake) | resize:32:area | grey | scale:-1:1")
FACE_OR_CENTRE = Preprocessing.parse(
    "orient | crop:face(1.2,fake,centre) | resize:32:area | scale:-1:1"
)


@pytest.fixture(scope="module")
def backbone() -> Backbone:
    return random_backbone(0, size_px=32)


class FakeFinder:
    """Sees a face wherever the picture's first pixel is bright, and counts how often it looks."""

    name = "fake"

    def __init__(self, sha256: str = "f" * 64) -> None:
        self.sha256 = sha256
        self.n_looks = 0

    def __call__(self, image: Pixels) -> Face | None:
        self.n_looks += 1
        if image[0, 0].mean() < 128:
            return None
        return Face(
            xyxy_px=(4.0, 6.5, 30.0, 34.0),
            confidence=0.9,
            n_faces=2,
            landmarks_px=((10.0, 12.0), (20.0, 12.25)),
        )


def draw_photos(folder: Path, n: int, *, bright: bool = True) -> list[Photo]:
    rng = np.random.default_rng(n)
    photos = []
    for i in range(n):
        pixels = rng.integers(0, 256, (48, 40, 3), np.uint8)
        pixels[:8, :8] = 250 if bright else 5
        path = folder / f"{i:03}.png"
        Image.fromarray(pixels).save(path)
        photos.append(photo_of(path))
    return photos


def photo_of(path: Path) -> Photo:
    return Photo(path=path, name=path.name, sha256=digest_bytes(path.read_bytes()))


def run(
    photos: Sequence[Photo],
    folder: Path,
    backbone: Backbone,
    *,
    preprocessing: Preprocessing = CENTRE,
    find_face: FaceFinder | None = None,
    mirrored: bool = False,
    glean: Glean | None = None,
    workers: int | None = None,
) -> Embedded:
    with Cache.open(folder) as cache:
        return embed(
            photos,
            backbone=backbone,
            preprocessing=preprocessing,
            find_face=find_face,
            cache=cache,
            mirrored=mirrored,
            glean=glean,
            workers=workers,
        )


def test_the_second_time_nothing_is_embedded_and_the_bytes_are_the_same(
    tmp_path: Path, backbone: Backbone
) -> None:
    photos = draw_photos(tmp_path, 12)
    first = run(photos, tmp_path, backbone, mirrored=True)
    second = run(photos, tmp_path, backbone, mirrored=True)
    assert (first.n_embedded, second.n_embedded) == (12, 0)
    assert second.photos == first.photos == tuple(photos)
    assert second.values.tobytes() == first.values.tobytes()
    assert first.mirrored is not None
    assert second.mirrored is not None
    assert second.mirrored.tobytes() == first.mirrored.tobytes()


def test_an_embedding_is_that_of_the_prepared_image(tmp_path: Path, backbone: Backbone) -> None:
    photos = draw_photos(tmp_path, 3)
    found = run(photos, tmp_path, backbone, mirrored=True)
    session = open_session(backbone)
    for i, photo in enumerate(photos):
        image = prepare(photo.path.read_bytes(), preprocessing=CENTRE, find_face=None).image
        assert (found.values[i] == session.embed(image[None])[0]).all()
        assert found.mirrored is not None
        flipped = np.ascontiguousarray(image[None, :, ::-1])
        assert (found.mirrored[i] == session.embed(flipped)[0]).all()


def test_the_number_of_threads_changes_nothing(tmp_path: Path, backbone: Backbone) -> None:
    photos = draw_photos(tmp_path, 10)
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    one = run(photos, tmp_path / "a", backbone, workers=1)
    four = run(photos, tmp_path / "b", backbone, workers=4)
    assert one.values.tobytes() == four.values.tobytes()


def test_the_same_bytes_under_two_names_are_embedded_once(
    tmp_path: Path, backbone: Backbone
) -> None:
    (photo,) = draw_photos(tmp_path, 1)
    (tmp_path / "copy.png").write_bytes(photo.path.read_bytes())
    found = run([photo, photo_of(tmp_path / "copy.png")], tmp_path, backbone)
    assert found.n_embedded == 1
    assert [p.name for p in found.photos] == ["000.png", "copy.png"]
    assert (found.values[0] == found.values[1]).all()


def test_a_new_name_for_known_bytes_embeds_nothing(tmp_path: Path, backbone: Backbone) -> None:
    (photo,) = draw_photos(tmp_path, 1)
    before = run([photo], tmp_path, backbone)
    after = run([photo_of(photo.path.rename(tmp_path / "new.png"))], tmp_path, backbone)
    assert after.n_embedded == 0
    assert (after.values == before.values).all()


def test_another_preprocessing_backbone_or_mirror_is_another_entry(
    tmp_path: Path, backbone: Backbone
) -> None:
    photos = draw_photos(tmp_path, 2)
    assert run(photos, tmp_path, backbone).n_embedded == 2
    grey = Preprocessing.parse("orient | crop:centre | resize:32:area | grey | scale:-1:1")
    assert run(photos, tmp_path, backbone, preprocessing=grey).n_embedded == 2
    assert run(photos, tmp_path, random_backbone(1, size_px=32)).n_embedded == 2
    assert run(photos, tmp_path, backbone, mirrored=True).n_embedded == 2
    assert run(photos, tmp_path, backbone).n_embedded == 0


def test_broken_photos_are_rejects_with_their_reason_and_the_others_go_on(
    tmp_path: Path, backbone: Backbone
) -> None:
    photos = draw_photos(tmp_path, 3)
    photos[1].path.write_bytes(photos[1].path.read_bytes()[:200])
    photos[1] = photo_of(photos[1].path)
    (tmp_path / "text.jpg").write_text("not a picture")
    gone = Photo(path=tmp_path / "gone.jpg", name="gone.jpg", sha256="0" * 64)
    found = run([*photos, photo_of(tmp_path / "text.jpg"), gone], tmp_path, backbone)
    assert [photo.name for photo in found.photos] == ["000.png", "002.png"]
    reasons = {reject.path: reject.reason for reject in found.rejects}
    assert list(reasons) == ["001.png", "text.jpg", "gone.jpg"]
    assert "broken PNG" in reasons["001.png"]
    assert "not a picture" in reasons["text.jpg"]
    assert "cannot be read" in reasons["gone.jpg"]
    assert found.n_embedded == 2


def test_a_photo_that_changed_since_it_was_listed_is_not_remembered_under_the_wrong_bytes(
    tmp_path: Path, backbone: Backbone
) -> None:
    old, other = draw_photos(tmp_path, 2)
    old_bytes = old.path.read_bytes()
    old.path.write_bytes(other.path.read_bytes())
    found = run([old], tmp_path, backbone)
    assert [reject.reason for reject in found.rejects] == ["changed while it was being read"]
    old.path.write_bytes(old_bytes)
    assert run([old], tmp_path, backbone).n_embedded == 1


def test_several_crops_share_one_look_for_the_face(tmp_path: Path, backbone: Backbone) -> None:
    photos = draw_photos(tmp_path, 4)
    finder = FakeFinder()
    first = run(photos, tmp_path, backbone, preprocessing=FACE, find_face=finder)
    wider = Preprocessing.parse(str(FACE).replace("1.2", "1.5"))
    second = run(photos, tmp_path, backbone, preprocessing=wider, find_face=finder)
    assert finder.n_looks == 4
    assert second.n_embedded == 4
    assert first.faces == second.faces == (finder(np.full((9, 9, 3), 255, np.uint8)),) * 4


def test_another_detector_looks_and_embeds_anew(tmp_path: Path, backbone: Backbone) -> None:
    photos = draw_photos(tmp_path, 2)
    run(photos, tmp_path, backbone, preprocessing=FACE, find_face=FakeFinder())
    other = FakeFinder("e" * 64)
    again = run(photos, tmp_path, backbone, preprocessing=FACE, find_face=other)
    assert (again.n_embedded, other.n_looks) == (2, 2)


def test_a_photo_without_a_face_is_a_reject_and_is_not_looked_at_again(
    tmp_path: Path, backbone: Backbone
) -> None:
    photos = draw_photos(tmp_path, 2, bright=False)
    finder = FakeFinder()
    for _ in range(2):
        found = run(photos, tmp_path, backbone, preprocessing=FACE, find_face=finder)
        assert [reject.reason for reject in found.rejects] == ["no face found"] * 2
        assert found.values.shape == (0, 1280)
        assert found.n_embedded == 0
    assert finder.n_looks == 2


def test_what_is_gleaned_of_an_open_photo_is_kept_for_faceless_ones_too(
    tmp_path: Path, backbone: Backbone
) -> None:
    for name in ("bright", "dark"):
        (tmp_path / name).mkdir()
    bright = draw_photos(tmp_path / "bright", 2)
    photos = [*bright, *draw_photos(tmp_path / "dark", 1, bright=False)]

    def glean(sha256: str, data: bytes, decoded: Decoded, face: Face | None) -> dict[str, bytes]:
        size, colour = len(data).to_bytes(4, "little"), decoded.pixels[20, 20].tobytes()
        return {f"seen:{sha256}": size + colour + bytes([face is not None])}

    run(photos, tmp_path, backbone, preprocessing=FACE, find_face=FakeFinder(), glean=glean)
    with Cache.open(tmp_path) as cache:
        kept = cache.get_many([f"seen:{photo.sha256}" for photo in photos])
    assert [kept[f"seen:{photo.sha256}"] for photo in photos] == [
        photo.path.stat().st_size.to_bytes(4, "little")
        + np.asarray(Image.open(photo.path))[20, 20].tobytes()
        + bytes([photo in bright])
        for photo in photos
    ]


def test_photos_that_somebody_else_has_open_are_embedded_in_passing(
    tmp_path: Path, backbone: Backbone
) -> None:
    (tmp_path / "dark").mkdir()
    photos = [*draw_photos(tmp_path, 2), *draw_photos(tmp_path / "dark", 1, bright=False)]
    with (
        Cache.open(tmp_path) as cache,
        embed_in_passing(
            [photo.sha256 for photo in photos],
            backbone=backbone, preprocessing=FACE, find_face=FakeFinder(), cache=cache,
        ) as look,
    ):  # fmt: skip
        for photo in photos:
            look(photo.path.read_bytes(), decode(photo.path.read_bytes()))
    finder = FakeFinder()
    after = run(photos, tmp_path, backbone, preprocessing=FACE, find_face=finder)
    assert (after.n_embedded, finder.n_looks, len(after.rejects)) == (0, 0, 1)
    shutil.rmtree(tmp_path / ".mien")
    anew = run(photos, tmp_path, backbone, preprocessing=FACE, find_face=FakeFinder())
    assert (after.values == anew.values).all()
    assert after.faces == anew.faces


def test_with_a_centre_to_fall_back_on_a_photo_without_a_face_is_used(
    tmp_path: Path, backbone: Backbone
) -> None:
    photos = draw_photos(tmp_path, 2, bright=False)
    finder = FakeFinder()
    for n_embedded in (2, 0):
        found = run(photos, tmp_path, backbone, preprocessing=FACE_OR_CENTRE, find_face=finder)
        assert found.n_embedded == n_embedded
        assert found.faces == (None, None)
    plain = run(photos, tmp_path, backbone)
    assert (found.values == plain.values).all()


def test_progress_counts_photos_that_are_not_in_the_cache(
    tmp_path: Path, backbone: Backbone
) -> None:
    photos = draw_photos(tmp_path, 5)
    run(photos[:2], tmp_path, backbone)
    told: list[tuple[str, int, int]] = []
    with Cache.open(tmp_path) as cache:
        embed(
            photos,
            backbone=backbone,
            preprocessing=CENTRE,
            find_face=None,
            cache=cache,
            progress=lambda *step: told.append(step),
        )
    assert told == [("embed", 1, 3), ("embed", 2, 3), ("embed", 3, 3)]


def test_an_interruption_keeps_what_was_done(tmp_path: Path, backbone: Backbone) -> None:
    photos = draw_photos(tmp_path, 12)

    def interrupt(stage: str, done: int, total: int) -> None:
        if done == 5:
            raise KeyboardInterrupt

    with Cache.open(tmp_path) as cache, pytest.raises(KeyboardInterrupt):
        embed(
            photos,
            backbone=backbone,
            preprocessing=CENTRE,
            find_face=None,
            cache=cache,
            progress=interrupt,
            workers=1,
        )
    assert run(photos, tmp_path, backbone).n_embedded == 7


def test_images_of_another_size_than_the_backbones_are_refused(
    tmp_path: Path, backbone: Backbone
) -> None:
    large = Preprocessing.parse("orient | crop:centre | resize:64:area | scale:-1:1")
    with pytest.raises(ModelError, match=r"images of shape \(64, 64, 3\)"):
        run(draw_photos(tmp_path, 1), tmp_path, backbone, preprocessing=large)


def test_no_photos_give_no_rows(tmp_path: Path, backbone: Backbone) -> None:
    found = run([], tmp_path, backbone, mirrored=True)
    assert found.values.shape == (0, 1280)
    assert found.mirrored is not None
    assert found.mirrored.shape == (0, 1280)


def test_preparing_a_photo_without_the_face_that_is_needed_is_an_error(tmp_path: Path) -> None:
    (photo,) = draw_photos(tmp_path, 1, bright=False)
    with pytest.raises(PhotoError, match="no face found"):
        prepare(photo.path.read_bytes(), preprocessing=FACE, find_face=FakeFinder())


# A process that embeds a folder and prints the digest of what it got.
EMBEDDER = """
import sys
from pathlib import Path
from mien.backbone.embed import embed
from mien.backbone.weights import random_backbone
from mien.cache import Cache
from mien.digest import digest_bytes
from mien.image.preprocessing import Preprocessing
from mien.records import Photo
root = Path(sys.argv[1])
photos = [Photo(path=path, name=path.name, sha256=digest_bytes(path.read_bytes()))
          for path in sorted(root.glob("*.png"))]
with Cache.open(root) as cache:
    found = embed(photos, backbone=random_backbone(0, size_px=32), find_face=None, cache=cache,
                  preprocessing=Preprocessing.parse(sys.argv[2]),
                  progress=lambda stage, done, total: print(done, flush=True))
print(digest_bytes(found.values.tobytes()), flush=True)
"""


def start_embedder(folder: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", EMBEDDER, str(folder), str(CENTRE)],
        stdout=subprocess.PIPE,
        text=True,
    )


def test_two_processes_embed_one_folder_at_once_and_agree(
    tmp_path: Path, backbone: Backbone
) -> None:
    photos = draw_photos(tmp_path, 40)
    both = [start_embedder(tmp_path) for _ in range(2)]
    last = [process.communicate(timeout=60)[0].splitlines()[-1] for process in both]
    (tmp_path / "apart").mkdir()
    own = run(photos, tmp_path / "apart", backbone)
    assert last == [digest_bytes(own.values.tobytes())] * 2
    assert run(photos, tmp_path, backbone).n_embedded == 0


@pytest.mark.skipif(os.name != "posix", reason="kill -9 is POSIX")
def test_after_a_kill_the_run_completes_and_the_cache_is_right(
    tmp_path: Path, backbone: Backbone
) -> None:
    photos = draw_photos(tmp_path, 150)
    rng = random.Random(2)
    for _ in range(3):
        process = start_embedder(tmp_path)
        assert process.stdout
        process.stdout.readline()
        time.sleep(rng.uniform(0, 0.3))
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdout.close()
    found = run(photos, tmp_path, backbone)
    (tmp_path / "apart").mkdir()
    own = run(photos, tmp_path / "apart", backbone)
    assert found.values.tobytes() == own.values.tobytes()
    assert found.rejects == ()
