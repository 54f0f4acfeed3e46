"""Teachable Machine's image projects (`.tm`) and the zips of a class's samples: photos, come home.

A `.tm` is a zip with ``manifest.json`` (kind, version, settings of the training) and one JPEG a
sample, called ``CLASS-!-0.jpg``. «Download samples» of a class is a zip of JPEGs without its class.
Law: a photo's bytes are kept as they are; names in the zip never become paths, only class names
that were made safe; nothing is written outside the folder that was asked for.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any, Final

from mien.archive import Archive, open_archive
from mien.errors import DatasetError, PhotoError
from mien.files import nfc, write_bytes
from mien.formats.sketch import SKETCH
from mien.image.decode import decode
from mien.records import Progress, Reject, no_progress

MANIFEST: Final = "manifest.json"
_MAX_MANIFEST_BYTES: Final = 4 << 20
_MAX_PHOTO_BYTES: Final = 64 << 20
_BETWEEN: Final = "-!-"
# Characters that some system does not allow in a name, and what hides or ends one.
_UNSAFE: Final = re.compile(r'[\x00-\x1f\x7f<>:"/\\|?*]+')
_RESERVED: Final = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)
_IGNORED: Final = ("__MACOSX", ".DS_Store", "Thumbs.db")
# Endings that a photo keeps.
SUFFIXES: Final = (".jpg", ".jpeg", ".png", ".webp", ".gif", ".bmp", ".tif", ".tiff")
_SETTINGS: Final = {
    "trainEpochs": "epochs",
    "trainBatchSize": "batch_size",
    "trainLearningRate": "learning_rate",
}


@dataclass(frozen=True, kw_only=True)
class Samples:
    """What was taken out of a project.

    Attributes:
        folder: Of class folders.
        classes: Label and number of photos, in the project's order.
        settings: Of the training, by the names that `mien train` has: epochs, batch size, rate.
        rejects: Entries that are no photos.
    """

    folder: Path
    classes: Mapping[str, int]
    settings: Mapping[str, float] = field(default_factory=dict)
    rejects: tuple[Reject, ...] = ()


def is_project(path: Path) -> bool:
    """Tell whether a zip holds photos rather than a model."""
    with open_archive(path, error=DatasetError) as archive:
        models = (".h5", ".keras", ".tflite", ".pb", ".bin", "model.json", SKETCH)
        return not any(name.endswith(models) for name in archive.names)


def unpack_samples(
    path: Path, *, out: Path, label: str | None = None, progress: Progress = no_progress
) -> Samples:
    """Unpack a project, a zip of class folders, or a zip of one class's samples.

    Args:
        path: The zip.
        out: Folder of class folders to write; new or empty.
        label: Class of photos that lie in no folder and carry none; the zip's name where None.
        progress: Told photos.

    Raises:
        DatasetError: It is no zip, a project of sounds or poses, holds no photos, or `out` holds
            something already.
    """
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise DatasetError(f"'{out}' is not empty", "Choose a new folder with --out.")
    with open_archive(path, error=DatasetError) as archive:
        settings = _settings(archive)
        default = label or re.sub(r"[-_ ]?samples$", "", path.stem, flags=re.IGNORECASE)
        entries = list(_entries(archive, default))
        counts: dict[str, int] = {}
        rejects: list[Reject] = []
        for i, (name, class_name) in enumerate(entries):
            reason = _write(archive, name, out / class_name, counts.get(class_name, 0))
            if reason is None:
                counts[class_name] = counts.get(class_name, 0) + 1
            else:
                rejects.append(Reject(path=name, reason=reason))
            progress("photos", i + 1, len(entries))
    if not counts:
        raise DatasetError(f"'{path}' holds no photos", "Give a .tm project or a zip of samples.")
    return Samples(folder=out, classes=counts, settings=settings, rejects=tuple(rejects))


def _settings(archive: Archive) -> dict[str, float]:
    """Read the manifest, where there is one, and take the settings of the training from it."""
    if MANIFEST not in archive.names:
        return {}
    try:
        manifest = json.loads(archive.read(MANIFEST, limit_bytes=_MAX_MANIFEST_BYTES))
    except (ValueError, RecursionError) as error:
        raise DatasetError(f"{MANIFEST} in '{archive.path}' is not JSON: {error}") from error
    kind = manifest.get("type") if isinstance(manifest, dict) else None
    if kind != "image":
        raise DatasetError(
            f"'{archive.path}' is a project of type {kind!r:.40}; expected 'image'",
            "mien reads image projects; sound and pose projects it does not.",
        )
    data: Any = manifest.get("appdata")
    found = (
        {ours: data.get(key) for key, ours in _SETTINGS.items()} if isinstance(data, dict) else {}
    )
    return {
        name: value
        for name, value in found.items()
        if isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < 1e6
    }


def _entries(archive: Archive, default: str) -> Iterator[tuple[str, str]]:
    """Yield each photo's entry and the folder of its class, classes in order of appearance."""
    folders: dict[str, str] = {}
    for name in archive.names:
        path = PurePosixPath(name)
        if name == MANIFEST or any(part in _IGNORED for part in path.parts):
            continue
        if path.name.startswith(".") or path.suffix.lower() in (".json", ".txt", ".csv"):
            continue
        before, found, _ = name.rpartition(_BETWEEN)
        label = before if found else (path.parent.name or default)
        if label not in folders:
            folders[label] = _safe_name(label, taken=set(folders.values()))
        yield name, folders[label]


def _safe_name(label: str, *, taken: set[str]) -> str:
    """A folder's name that means the label and is allowed everywhere."""
    name = _UNSAFE.sub(" ", nfc(label)).strip(" .")[:100].strip(" .") or "class"
    if _RESERVED.fullmatch(name):
        name += " class"
    lower = {other.casefold() for other in taken}
    candidate, number = name, 2
    while candidate.casefold() in lower:
        candidate, number = f"{name} {number}", number + 1
    return candidate


def _write(archive: Archive, name: str, folder: Path, number: int) -> str | None:
    """Write one photo under a number of ours; give the reason where it is none."""
    try:
        data = archive.read(name, limit_bytes=_MAX_PHOTO_BYTES)
        decode(data)
    except PhotoError as error:
        return error.message
    suffix = PurePosixPath(name).suffix.lower()
    write_bytes(folder / f"{number:05d}{suffix if suffix in SUFFIXES else '.jpg'}", data)
    return None
