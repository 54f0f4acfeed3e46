"""Photos to embeddings, each photo's bytes once in the life of a cache.

Laws: a renamed photo costs nothing (`remembered`); a photo that changes while it is read is
refused, not remembered under the wrong key; what is done is kept every second, so a kill loses a
second's work; the result does not depend on the number of threads.
Knows nothing of labels, splits and heads.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from threading import Lock
from typing import Final, TypeAlias

import numpy as np
from jaxtyping import Float32

from mien.backbone.remembered import Answer, Done, Embedding, Keys, recall
from mien.backbone.session import Session, open_session
from mien.backbone.weights import Backbone
from mien.blas import one_blas_thread
from mien.cache import Cache
from mien.digest import digest_bytes
from mien.errors import PhotoError
from mien.image.decode import Decoded, Look, decode, read_photo_bytes
from mien.image.preprocessing import NO_FACE, Preprocessing, upright_pixels
from mien.records import Face, FaceFinder, Photo, Progress, Reject, no_progress

Glean: TypeAlias = Callable[[str, bytes, Decoded, Face | None], Mapping[str, bytes]]
"""What else is learned of a photo while it is open: the SHA-256 of its bytes, the bytes, what they
decode to and its face, to entries for the cache. Called from many threads."""

_KEEP_EVERY_ENTRIES: Final = 64
_KEEP_EVERY_SECONDS: Final = 1.0
# More threads than this only hold more decoded photos in memory (48 MB each at 16 megapixels).
_MAX_WORKERS: Final = 8
STAGE: Final = "embed"


@dataclass(frozen=True, kw_only=True, eq=False)
class Embedded:
    """Photos and their embeddings, row by row.

    Attributes:
        photos: Those that could be embedded, in the order in which they were given.
        values: float32 ``(n, d)``.
        mirrored: float32 ``(n, d)`` of each image swapped left and right after preprocessing; None
            where it was not asked for.
        faces: The face of each photo; None where there is none or nobody looked.
        rejects: The others, each with its reason.
        n_embedded: How many different photos were not in the cache.
    """

    photos: tuple[Photo, ...]
    values: Float32[np.ndarray, "n d"]
    mirrored: Float32[np.ndarray, "n d"] | None
    faces: tuple[Face | None, ...]
    rejects: tuple[Reject, ...]
    n_embedded: int


@dataclass(frozen=True, kw_only=True, eq=False)
class Prepared:
    """An image as the backbone takes it, and the face that it was cropped to, if any."""

    image: Float32[np.ndarray, "h w 3"]
    face: Face | None


def prepare(data: bytes, *, preprocessing: Preprocessing, find_face: FaceFinder | None) -> Prepared:
    """Decode a photo's bytes and bring them to what a backbone takes.

    Args:
        data: The whole file.
        preprocessing: Of the backbone or the model.
        find_face: Asked for the face when given; must be when `preprocessing` needs one.

    Raises:
        PhotoError: The bytes are no sound picture, or the face that is needed is not there.
    """
    decoded = decode(data)
    face = find_face(upright_pixels(decoded)) if find_face else None
    return Prepared(image=preprocessing.apply(decoded, face=face), face=face)


def embed(
    photos: Sequence[Photo],
    *,
    backbone: Backbone,
    preprocessing: Preprocessing,
    find_face: FaceFinder | None,
    cache: Cache,
    mirrored: bool = False,
    glean: Glean | None = None,
    progress: Progress = no_progress,
    workers: int | None = None,
) -> Embedded:
    """Embed photos through the cache.

    Args:
        photos: May repeat the same bytes: those are embedded once.
        backbone: Loaded; its graph is built only when a photo is not in the cache.
        preprocessing: Must give images of the backbone's size.
        find_face: The detector that `preprocessing` names; None where it names none. It is called
            from several threads at once.
        cache: Asked first, told every second.
        mirrored: Whether to embed the mirror images too, from the same decoding.
        glean: Asked about each photo that is decoded, so that nobody has to decode it again; with
            its face where one was looked for.
        progress: Told photos, under the stage ``embed``, when there is anything to do.
        workers: Threads; as many as this process may use cores when None.

    Raises:
        ModelError: `preprocessing` gives images of another size than `backbone` takes.
    """
    assert find_face is not None or not preprocessing.needs_face, "a face detector is needed"
    keys = Keys.of(backbone, preprocessing, find_face)
    unique = {photo.sha256: photo for photo in photos}
    known = recall(cache, keys, list(unique), mirrored=mirrored)
    missing = [photo for sha256, photo in unique.items() if sha256 not in known.done]
    work = _Work(
        backbone, preprocessing, find_face, mirrored=mirrored, faces=known.faces, glean=glean
    )
    done, reasons = dict(known.done), {}
    with _keeping(cache) as keep, one_blas_thread():
        for n_answers, answer in enumerate(_in_threads(work, missing, workers), start=1):
            keep(keys.entries(answer))
            if answer.done is not None:
                done[answer.sha256] = answer.done
            else:
                reasons[answer.sha256] = answer.reason
            progress(STAGE, n_answers, len(missing))
    return Embedded(
        photos=(good := tuple(photo for photo in photos if photo.sha256 in done)),
        values=_stack([done[photo.sha256].value for photo in good], backbone.width),
        mirrored=_stack([done[photo.sha256].mirrored for photo in good], backbone.width)
        if mirrored
        else None,
        faces=tuple(done[photo.sha256].face for photo in good),
        rejects=tuple(
            Reject(path=photo.name, reason=reasons[photo.sha256])
            for photo in photos
            if photo.sha256 in reasons
        ),
        n_embedded=len(missing) - len(reasons),
    )


class _Work:
    """What a thread does with one photo: read, check, decode, find the face, crop, embed."""

    def __init__(
        self,
        backbone: Backbone,
        preprocessing: Preprocessing,
        find_face: FaceFinder | None,
        *,
        mirrored: bool,
        faces: Mapping[str, Face | None],
        glean: Glean | None,
    ) -> None:
        self._backbone = backbone
        self._preprocessing = preprocessing
        self._find_face = find_face
        self._mirrored = mirrored
        self._faces = faces
        self._glean = glean
        self._lock = Lock()

    @cached_property
    def _session(self) -> Session:
        return open_session(self._backbone)

    def __call__(self, photo: Photo) -> Answer:
        face = self._faces.get(photo.sha256)
        looked = photo.sha256 in self._faces
        try:
            if looked and face is None and self._is_face_a_must():
                raise PhotoError(NO_FACE)
            data = _read_unchanged(photo)
            decoded = decode(data)
        except PhotoError as error:
            return Answer(
                sha256=photo.sha256, done=None, reason=str(error), face=face, looked=looked,
                gleaned={},
            )  # fmt: skip
        return self.look(photo.sha256, data, decoded)

    def look(self, sha256: str, data: bytes, decoded: Decoded) -> Answer:
        """What a thread does with a photo that is open."""
        face, looked = self._faces.get(sha256), sha256 in self._faces
        gleaned: Mapping[str, bytes] = {}
        try:
            if self._find_face and not looked:
                face, looked = self._find_face(upright_pixels(decoded)), True
            if self._glean:
                gleaned = self._glean(sha256, data, decoded, face)
            image = self._preprocessing.apply(decoded, face=face)
        except PhotoError as error:
            done, reason = None, str(error)
        else:
            done, reason = self._embedded(image, face), ""
        return Answer(
            sha256=sha256, done=done, reason=reason, face=face, looked=looked, gleaned=gleaned
        )

    def _is_face_a_must(self) -> bool:
        step = self._preprocessing.face_step
        return step is not None and not step.or_centre

    def _embedded(self, image: Float32[np.ndarray, "h w 3"], face: Face | None) -> Done:
        with self._lock:
            session = self._session
        both = [image, np.ascontiguousarray(image[:, ::-1])] if self._mirrored else [image]
        values = session.embed(np.stack(both))
        return Done(value=values[0], mirrored=values[1] if self._mirrored else None, face=face)


@contextmanager
def embed_in_passing(
    sha256s: Sequence[str],
    *,
    backbone: Backbone,
    preprocessing: Preprocessing,
    find_face: FaceFinder | None,
    cache: Cache,
    mirrored: bool = False,
    glean: Glean | None = None,
) -> Iterator[Look]:
    """Embed photos that somebody else has open, for the cache alone: one decoding instead of two.

    Args:
        sha256s: Of the photos that may come; those that the cache knows are not looked at again.
        backbone: As for `embed`.
        preprocessing: As for `embed`.
        find_face: As for `embed`.
        cache: Told at the end, however it comes.
        mirrored: As for `embed`.
        glean: As for `embed`.

    Yields:
        What takes a photo; may be called from many threads.
    """
    keys = Keys.of(backbone, preprocessing, find_face)
    known = recall(cache, keys, sha256s, mirrored=mirrored)
    work = _Work(
        backbone, preprocessing, find_face, mirrored=mirrored, faces=known.faces, glean=glean
    )
    answers: dict[str, Answer] = {}

    def look(data: bytes, decoded: Decoded) -> None:
        sha256 = digest_bytes(data)
        if sha256 not in known.done and sha256 not in answers:
            answers[sha256] = work.look(sha256, data, decoded)

    try:
        with one_blas_thread():
            yield look
    finally:
        entries = [keys.entries(answer) for answer in answers.values()]
        cache.put_many({key: value for some in entries for key, value in some.items()})


def _read_unchanged(photo: Photo) -> bytes:
    data = read_photo_bytes(photo.path)
    if digest_bytes(data) != photo.sha256:
        raise PhotoError("changed while it was being read")
    return data


def _in_threads(work: _Work, photos: Sequence[Photo], workers: int | None) -> Iterator[Answer]:
    if not photos:
        return
    n_workers = min(workers or _n_cores(), _MAX_WORKERS, len(photos))
    pool = ThreadPoolExecutor(n_workers, thread_name_prefix="embed")
    try:
        for future in as_completed([pool.submit(work, photo) for photo in photos]):
            yield future.result()
    finally:
        # After Ctrl-C, what has begun is finished and the rest is not begun.
        pool.shutdown(wait=True, cancel_futures=True)


def _n_cores() -> int:
    # What this process may use, which a container or `taskset` makes less than the machine has.
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@contextmanager
def _keeping(cache: Cache) -> Iterator[Callable[[Mapping[str, bytes]], None]]:
    """Gather entries and put them to the cache now and then, and at the end, however it comes."""
    pending: dict[str, bytes] = {}
    kept_at = time.monotonic()

    def keep(entries: Mapping[str, bytes]) -> None:
        nonlocal kept_at
        pending.update(entries)
        due = time.monotonic() - kept_at > _KEEP_EVERY_SECONDS
        if due or len(pending) >= _KEEP_EVERY_ENTRIES:
            cache.put_many(pending)
            pending.clear()
            kept_at = time.monotonic()

    try:
        yield keep
    finally:
        cache.put_many(pending)


def _stack(rows: Sequence[Embedding | None], width: int) -> Float32[np.ndarray, "n d"]:
    values = np.empty((len(rows), width), np.float32)
    for i, row in enumerate(rows):
        assert row is not None
        values[i] = row
    return values
