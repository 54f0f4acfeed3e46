"""`mien export`: a model in a foreign format, with proof that it answers the same.

Law: the export is opened by whatever programs are here before a single file is put in its place;
what parts from the model further than allowed is never written. `golden.json` is written last.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from jaxtyping import Float32

from mien.backbone.embed import prepare
from mien.dataset.folder import read_dataset
from mien.digest import digest_bytes
from mien.errors import ModelError, PhotoError
from mien.files import write_bytes, write_json, write_text
from mien.formats.catalogue import EXPORTERS, Exporter, exporter
from mien.formats.golden import golden_pictures, png, scaled
from mien.formats.parity import Parity, check_export
from mien.formats.readme import readme, snippet
from mien.image.decode import read_photo_bytes
from mien.image.preprocessing import Preprocessing
from mien.model import Model
from mien.records import Progress, no_progress, plain
from mien.version import VERSION
from mien.workflows.embedder import face_finder_for
from mien.workflows.models import open_model

GOLDEN: Final = "golden.json"
FORMAT_VERSION: Final = 1
# Enough for the ranges of activations to settle; more only costs time.
CALIBRATION_PHOTOS: Final = 100


@dataclass(frozen=True, kw_only=True)
class ExportRecord:
    """What `mien export --json` prints.

    Attributes:
        model: The model that was exported, as it was given.
        out: The folder.
        files: What was written, relative to `out`.
        parity: One for each consumer of each format; unchecked ones say why.
    """

    model: str
    out: str
    files: tuple[str, ...]
    parity: tuple[Parity, ...]

    def plain(self) -> dict[str, Any]:
        """As JSON holds it."""
        body = plain({"model": self.model, "out": self.out, "files": self.files})
        return {**body, "parity": [plain(one) for one in self.parity]}


def export(
    model: Path | str,
    *,
    to: Sequence[str] | str,
    out: Path | str,
    photos: Path | str | None = None,
    progress: Progress = no_progress,
) -> ExportRecord:
    """Export a model, one folder a format where there are several.

    Args:
        model: A model file, a run folder, or a foreign model.
        to: Formats, keys of `EXPORTERS`.
        out: Folder to write; a folder of each format's name inside it where there are several.
        photos: Training photos, for formats that are calibrated on them.
        progress: Told formats, and within each that it is written and which consumers were asked.

    Raises:
        UserError: The model or the photos cannot be used, a format is unknown or needs something
            that is not installed, or a consumer answers otherwise than the model.
    """
    names = [to] if isinstance(to, str) else list(dict.fromkeys(to))
    exporters = [exporter(name) for name in names]
    opened = open_model(Path(model))
    files: list[str] = []
    parities: list[Parity] = []
    for i, (name, one) in enumerate(zip(names, exporters, strict=True)):
        folder = Path(out) / name if len(names) > 1 else Path(out)
        images = _calibration(opened, name, one, photos)
        written, checked = _export_one(
            opened, name, images=images, folder=folder, progress=progress
        )
        files += [(folder / path).relative_to(Path(out)).as_posix() for path in written]
        parities += checked
        progress("formats", i + 1, len(names))
    return ExportRecord(model=str(model), out=str(out), files=tuple(files), parity=tuple(parities))


def _export_one(
    model: Model,
    name: str,
    *,
    images: Float32[np.ndarray, "n h w 3"] | None,
    folder: Path,
    progress: Progress,
) -> tuple[list[str], list[Parity]]:
    chosen = EXPORTERS[name]
    progress("writing", 0, 1)
    made = chosen.files(model, images)
    progress("writing", 1, 1)
    parities = check_export(model, made, chosen.checks, photos=images, progress=progress)
    left_out = {one.file for one in parities if one.left_out}
    made = {path: data for path, data in made.items() if path not in left_out}
    files = dict(made)
    files |= {f"golden/{k}.png": png(v) for k, v in golden_pictures(model.size_px).items()}
    for path, data in files.items():
        write_bytes(folder / path, data)
    if name not in ("tfjs", "teachable-machine"):
        write_text(folder / "predict.py", snippet(model, name))
        files["predict.py"] = b""
    write_text(folder / "README.md", readme(model, format=name, parities=parities))
    if model.card:
        write_text(folder / "card.md", model.card)
    write_json(folder / GOLDEN, _golden(model, name, made=made, parities=parities))
    extra = ["README.md", *(["card.md"] if model.card else []), GOLDEN]
    return [*files, *extra], parities


def _golden(model: Model, name: str, *, made: Any, parities: Sequence[Parity]) -> dict[str, Any]:
    """The model's own answers, and what each consumer's were."""
    pictures = golden_pictures(model.size_px)
    probs = model.probs(
        scaled(np.stack(list(pictures.values())), preprocessing=model.preprocessing)
    )
    return {
        "format": FORMAT_VERSION,
        "mien": VERSION,
        "export": name,
        "labels": list(model.labels),
        "preprocessing": model.preprocessing,
        "pictures": [
            {"file": f"golden/{key}.png", "probs": [round(float(p), 6) for p in row]}
            for key, row in zip(pictures, probs, strict=True)
        ],
        "files": [
            {"file": path, "size_bytes": len(data), "sha256": digest_bytes(data)}
            for path, data in made.items()
        ],
        "parity": [plain(one) for one in parities],
    }


def _calibration(
    model: Model, name: str, chosen: Exporter, photos: Path | str | None
) -> Float32[np.ndarray, "n h w 3"] | None:
    """Training photos in the model's own preprocessing, where the format needs them."""
    if not chosen.calibrated:
        return None
    if photos is None:
        raise ModelError(
            f"export format '{name}' is calibrated on training photos, and none were given",
            "Add --photos FOLDER with the photos that the model was trained on.",
        )
    dataset = read_dataset(Path(photos))
    # Evenly through the list, so that every class is among them.
    step = max(1, len(dataset.photos) // CALIBRATION_PHOTOS)
    preprocessing = Preprocessing.parse(model.preprocessing)
    finder = face_finder_for(preprocessing)
    images = []
    for photo in dataset.photos[::step][:CALIBRATION_PHOTOS]:
        try:
            prepared = prepare(
                read_photo_bytes(photo.path), preprocessing=preprocessing, find_face=finder
            )
        except PhotoError:
            continue
        images.append(prepared.image)
    if not images:
        raise ModelError(f"none of the photos in '{photos}' can be used to calibrate")
    return np.stack(images)
