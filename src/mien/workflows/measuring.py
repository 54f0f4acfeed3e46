"""Photos to the facts that an audit looks at, each photo's bytes once in the life of a cache.

Joins decoding, the face detector and `mien.audits.facts`. A photo that is embedded for the first
time is measured in passing, from the same decoding. Law: a photo that cannot be decoded is a named
reject; one without a face is measured all the same.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final

import numpy as np

from mien.audits.facts import VERSION, Facts, from_bytes, measure, to_bytes
from mien.audits.view import Part
from mien.backbone.embed import Embedded, Glean
from mien.blas import one_blas_thread
from mien.cache import Cache
from mien.dataset.folder import without
from mien.digest import digest_text
from mien.errors import PhotoError, UserError
from mien.face import default_detector, load_face_finder
from mien.head.recipe import Recipe
from mien.image.decode import Decoded, decode, read_photo_bytes
from mien.image.preprocessing import NO_FACE, upright_pixels
from mien.records import Dataset, Face, FaceFinder, Photo, Progress, Reject, Say, face_of, plain
from mien.workflows.embedder import Embedder, embedder_for

_KEEP_EVERY: Final = 64
# What the cache holds of a photo is some 20 KB: not that of all photos beside what it unpacks to.
_READ_AT_ONCE: Final = 1024
STAGE: Final = "measuring"


@dataclass(frozen=True, kw_only=True, eq=False)
class Tools:
    """What an audit needs beside the photos.

    Attributes:
        embedder: None where the recipe's backbone cannot be had.
        no_embedder: Why; empty where there is one.
        find_face: The recipe's detector, or the best at hand.
    """

    embedder: Embedder | None
    no_embedder: str
    find_face: FaceFinder


def tools_for(recipe: Recipe) -> Tools:
    """Load what a recipe names; without its backbone an audit still does most of its work."""
    try:
        embedder = embedder_for(recipe)
    except UserError as error:
        finder = load_face_finder(default_detector())
        return Tools(embedder=None, no_embedder=f"no embeddings: {error.message}", find_face=finder)
    return tools_with(embedder)


def tools_with(embedder: Embedder) -> Tools:
    """Measure with an embedder that is loaded already, and its detector where it has one."""
    find_face = embedder.find_face or load_face_finder(default_detector())
    return Tools(embedder=embedder, no_embedder="", find_face=find_face)


def measure_dataset(
    dataset: Dataset, *, tools: Tools, progress: Progress, say: Say
) -> tuple[Part, int]:
    """Measure and embed a dataset through the cache beside it.

    Returns:
        The part, and how many photos were not in the cache of embeddings.
    """
    with Cache.open(dataset.root, say=say) as cache:
        embedded = (
            tools.embedder.embed(
                dataset.photos, cache=cache, glean=gleaner(tools.embedder), progress=progress
            )
            if tools.embedder
            else None
        )
        measured = _measure_all(
            dataset.photos,
            known_faces=_faces_of(embedded, tools),
            find_face=tools.find_face,
            cache=cache,
            progress=progress,
        )
    rejects = [
        Reject(path=photo.name, reason=value)
        for photo in dataset.photos
        if isinstance(value := measured[photo.sha256], str)
    ]
    kept = without(dataset, rejects)
    good = [measured[photo.sha256] for photo in kept.photos]
    rows, found = _rows_of(embedded, kept)
    part = Part(
        dataset=kept,
        facts=tuple(one.facts for one in good if isinstance(one, _Measured)),
        faces=tuple(one.face for one in good if isinstance(one, _Measured)),
        embedded=rows,
        embeddings=embedded.values[found] if embedded else np.zeros((0, 1), dtype=np.float32),
        mirrored=None
        if embedded is None or embedded.mirrored is None
        else embedded.mirrored[found],
    )
    return part, embedded.n_embedded if embedded else 0


def gleaner(embedder: Embedder) -> Glean | None:
    """Measures photos while they are embedded; None where embedding looks for no faces."""
    find_face = embedder.find_face
    if find_face is None:
        return None

    def glean(sha256: str, data: bytes, decoded: Decoded, face: Face | None) -> dict[str, bytes]:
        facts = measure(decoded, size_bytes=len(data), face=face)
        return {_key(sha256, find_face): _packed(_Measured(facts=facts, face=face))}

    return glean


@dataclass(frozen=True, kw_only=True, eq=False)
class _Measured:
    facts: Facts
    face: Face | None


def _key(sha256: str, find_face: FaceFinder) -> str:
    return "audit:" + digest_text(VERSION, sha256, find_face.sha256)


def _faces_of(embedded: Embedded | None, tools: Tools) -> dict[str, Face | None]:
    """What embedding has already learned of faces, so that nobody looks twice."""
    if embedded is None or tools.embedder is None or tools.embedder.find_face is None:
        return {}
    known = {
        photo.sha256: face for photo, face in zip(embedded.photos, embedded.faces, strict=True)
    }
    faceless = {reject.path for reject in embedded.rejects if NO_FACE in reject.reason}
    return known | dict.fromkeys(faceless)


def _measure_all(
    photos: Sequence[Photo],
    *,
    known_faces: Mapping[str, Face | None],
    find_face: FaceFinder,
    cache: Cache,
    progress: Progress,
) -> dict[str, _Measured | str]:
    unique = {photo.sha256: photo for photo in photos}
    keys = {sha256: _key(sha256, find_face) for sha256 in unique}
    done: dict[str, _Measured | str] = {}
    wanted = list(keys)
    for start in range(0, len(wanted), _READ_AT_ONCE):
        some = wanted[start : start + _READ_AT_ONCE]
        stored = cache.get_many([keys[sha256] for sha256 in some])
        done |= {
            sha256: _unpacked(stored[keys[sha256]]) for sha256 in some if keys[sha256] in stored
        }
    missing = [photo for sha256, photo in unique.items() if sha256 not in done]
    pending: dict[str, bytes] = {}
    for n, (photo, answer) in enumerate(_in_threads(missing, known_faces, find_face), start=1):
        done[photo.sha256] = answer
        if isinstance(answer, _Measured):
            pending[keys[photo.sha256]] = _packed(answer)
        if len(pending) >= _KEEP_EVERY or n == len(missing):
            cache.put_many(pending)
            pending.clear()
        progress(STAGE, n, len(missing))
    return done


def _in_threads(
    photos: Sequence[Photo], known_faces: Mapping[str, Face | None], find_face: FaceFinder
) -> Iterator[tuple[Photo, _Measured | str]]:
    def work(photo: Photo) -> _Measured | str:
        try:
            data = read_photo_bytes(photo.path)
            decoded = decode(data)
        except PhotoError as error:
            return error.message
        key = photo.sha256 if photo.sha256 in known_faces else photo.name
        face = known_faces[key] if key in known_faces else find_face(upright_pixels(decoded))
        return _Measured(facts=measure(decoded, size_bytes=len(data), face=face), face=face)

    pool = ThreadPoolExecutor(max_workers=os.cpu_count() or 1, thread_name_prefix="measure")
    try:
        with one_blas_thread():
            yield from zip(photos, pool.map(work, photos), strict=True)
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _packed(measured: _Measured) -> bytes:
    face = json.dumps(plain(measured.face)).encode()
    return len(face).to_bytes(4, "little") + face + to_bytes(measured.facts)


def _unpacked(data: bytes) -> _Measured:
    end = 4 + int.from_bytes(data[:4], "little")
    return _Measured(facts=from_bytes(data[end:]), face=face_of(json.loads(data[4:end])))


def _rows_of(embedded: Embedded | None, dataset: Dataset) -> tuple[np.ndarray, np.ndarray | slice]:
    """Rows of the photos that have an embedding, and its row among the embeddings."""
    if embedded is None:
        return np.zeros(0, dtype=int), np.zeros(0, dtype=int)
    at = {photo.name: row for row, photo in enumerate(embedded.photos)}
    pairs = [(i, at[p.name]) for i, p in enumerate(dataset.photos) if p.name in at]
    rows = np.array([i for i, _ in pairs], dtype=int)
    found = np.array([j for _, j in pairs], dtype=int)
    # All of them, in order: a view, where an array of rows would copy hundreds of megabytes.
    whole = len(found) == len(embedded.photos) and np.array_equal(found, np.arange(len(found)))
    return rows, slice(None) if whole else found
