"""`mien backbones`: what photos can be seen with, where it is from, and how to have it here.

Backbones and the files of face detectors are listed and fetched alike. Law: only `fetch` asks the
network, and only for what the user named.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from mien.backbone.catalogue import BACKBONES, BackboneEntry
from mien.backbone.network import Weights
from mien.backbone.tfjs_weights import read_tfjs_backbone
from mien.backbone.weights import Whereabouts, find_backbone, keep_backbone, load_backbone
from mien.errors import FetchError, ModelError
from mien.face import DETECTORS, DetectorEntry
from mien.fetch import fetch, find, keep, place
from mien.formats.keras_h5 import read_keras_h5
from mien.records import Progress, no_progress


@dataclass(frozen=True, kw_only=True)
class Available:
    """A backbone or face detector: what it is, and where it is.

    Attributes:
        name: What recipes call it.
        kind: What it does.
        about: One sentence.
        where: Whether and where it is to be had without the network.
        path: The file, None where it is not here.
        licence: SPDX identifier.
        home: The page that says who made it; None of what is built in.
        sha256: Of a backbone's weights or a detector's file; None of what its library carries.
        size_px: Side of the image a backbone takes.
        width: Numbers in a backbone's embedding.
        preprocessing: What a backbone's recipe does to a photo unless it says otherwise.
    """

    name: str
    kind: Literal["backbone", "face detector"]
    about: str
    where: Whereabouts
    path: Path | None
    licence: str
    home: str | None
    sha256: str | None
    size_px: int | None = None
    width: int | None = None
    preprocessing: str | None = None


@dataclass(frozen=True, kw_only=True)
class BackbonesRecord:
    """What `mien backbones --json` prints.

    Attributes:
        backbones: Backbones, then face detectors.
        fetched: The name that was fetched, None where the verb only lists.
    """

    backbones: tuple[Available, ...]
    fetched: str | None = None


def backbones() -> BackbonesRecord:
    """List every backbone and face detector; the network is not asked."""
    return BackbonesRecord(
        backbones=(*map(_backbone, BACKBONES.values()), *map(_detector, DETECTORS.values()))
    )


def fetch_backbone(
    name: str, *, source: Path | None = None, progress: Progress = no_progress
) -> BackbonesRecord:
    """Bring a backbone or a face detector's file to this machine.

    Args:
        name: In one of the catalogues.
        source: A file to take it out of instead of asking the network: the catalogue's own file,
            or, for a backbone, a Teachable Machine export (``keras_model.h5`` or the TensorFlow.js
            zip).
        progress: Told bytes.

    Raises:
        FetchError: There is no such name, or it cannot be had.
        ModelError: `source` is no such file, or holds another backbone.
    """
    if name in BACKBONES:
        _fetch_backbone(BACKBONES[name], source, progress)
    elif name in DETECTORS:
        _fetch_detector(DETECTORS[name], source, progress)
    else:
        known = ", ".join([*BACKBONES, *DETECTORS])
        raise FetchError(
            f"'{name}' is unknown, expected one of: {known}", "Run `mien backbones` to see them."
        )
    return BackbonesRecord(backbones=backbones().backbones, fetched=name)


def _backbone(entry: BackboneEntry) -> Available:
    where, path = find_backbone(entry.name)
    return Available(
        name=entry.name,
        kind="backbone",
        about=entry.about,
        where=where,
        path=path,
        licence=entry.licence,
        home=entry.source.home if entry.source else None,
        sha256=entry.sha256,
        size_px=entry.size_px,
        width=entry.width,
        preprocessing=entry.preprocessing,
    )


def _detector(entry: DetectorEntry) -> Available:
    path = find(entry.source) if entry.source else None
    where: Whereabouts = "built in" if entry.source is None else "not here"
    if entry.source and path:
        where = "here" if path == place(entry.source) else "mirror"
    return Available(
        name=entry.name,
        kind="face detector",
        about=entry.about,
        where=where,
        path=path,
        licence=entry.licence,
        home=entry.home,
        sha256=entry.source.sha256 if entry.source else None,
    )


def _fetch_backbone(entry: BackboneEntry, source: Path | None, progress: Progress) -> None:
    if entry.source is None:
        raise FetchError(f"'{entry.name}' is built in", "There is nothing to fetch.")
    if source is None:
        load_backbone(entry.name, download=True, progress=progress)
    elif keep(entry.source, source) is None:
        keep_backbone(entry.name, _weights_in(source), where=str(source))


def _fetch_detector(entry: DetectorEntry, source: Path | None, progress: Progress) -> None:
    if entry.source is None:
        raise FetchError(f"'{entry.name}' is built in", "There is nothing to fetch.")
    if source is None:
        fetch(entry.source, download=True, progress=progress)
    elif keep(entry.source, source) is None:
        raise FetchError(
            f"'{source}' is not the file of '{entry.name}', expected sha256 {entry.source.sha256}",
            f"Download it from {entry.source.url}.",
        )


def _weights_in(path: Path) -> Weights:
    """The backbone in a Teachable Machine export."""
    if path.suffix.lower() == ".zip":
        return read_tfjs_backbone(path)
    weights = read_keras_h5(path).weights
    if not isinstance(weights, Weights):
        raise ModelError(
            f"'{path}' holds folded or rounded weights, expected them as they were trained",
            "Give a keras_model.h5 or the zip of a TensorFlow.js export.",
        )
    return weights
