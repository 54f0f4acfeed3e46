"""`mien export`: a model in a foreign format, with proof that it answers the same.

Law: all formats are opened by whatever programs are here before a single file is put in its place;
where one parts from the model further than allowed, none is written. `golden.json` is written last.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from jaxtyping import Float32

from mien.backbone.embed import prepare
from mien.dataset.folder import read_dataset
from mien.digest import digest_bytes
from mien.errors import ModelError, PhotoError
from mien.files import check_folder, write_json, write_many
from mien.formats.catalogue import Exporter, exporter
from mien.formats.golden import golden_pngs
from mien.formats.parity import Export, Parity, Questions, check_exports, questions
from mien.formats.programs import running_programs, start_programs
from mien.formats.snippet import snippet
from mien.image.decode import read_photo_bytes
from mien.image.preprocessing import Preprocessing
from mien.model import Model
from mien.records import Progress, no_progress, plain
from mien.reports.readme import export_readme
from mien.reports.words import LANGUAGES, words
from mien.version import VERSION
from mien.workflows import runs
from mien.workflows.card import card_of
from mien.workflows.embedder import face_finder_for
from mien.workflows.models import EXPORT_RECORD, open_model

FORMAT_VERSION: Final = 1
# Enough for the ranges of activations to settle; more only costs time.
CALIBRATION_PHOTOS: Final = 100
_WRITERS: Final = 16


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
    language: str = "en",
    progress: Progress = no_progress,
) -> ExportRecord:
    """Export a model, one folder a format where there are several.

    Args:
        model: A model file, a run folder, or a foreign model.
        to: Formats, keys of `EXPORTERS`.
        out: Folder to write; a folder of each format's name inside it where there are several.
        photos: Training photos, for formats that are calibrated on them.
        language: ``ko`` adds ``README.ko.md``, and ``card.ko.md`` where the model is a run's.
        progress: Told writing, by formats, and then consumers, each after it was asked.

    Raises:
        UserError: The model or the photos cannot be used, a format is unknown or needs something
            that is not installed, a consumer answers otherwise than the model, or there is no
            README in the language.
    """
    words(language)
    names = [to] if isinstance(to, str) else list(dict.fromkeys(to))
    exporters = [exporter(name) for name in names]
    check_folder(Path(out))
    with running_programs():
        start_programs(check for one in exporters for check in one.checks)
        opened = open_model(Path(model))
        exports = []
        for i, (name, one) in enumerate(zip(names, exporters, strict=True)):
            progress("writing", i, len(names))
            images = _calibration(opened, name, one, photos)
            made = one.files(opened, images)
            exports.append(Export(files=made, checks=one.checks, photos=images))
        progress("writing", len(names), len(names))
        edge = any(check.edge for one in exporters for check in one.checks)
        golden = questions(opened, edge=edge)
        parities = check_exports(opened, exports, golden=golden, progress=progress)
    card = _card_in(language, Path(model))
    written: list[Path] = []
    for name, proven, checked in zip(names, exports, parities, strict=True):
        files = _contents(opened, name, made=proven, parities=checked)
        files |= _texts(opened, name, parities=checked, language="en", card=opened.card)
        if language != "en":
            files |= _texts(opened, name, parities=checked, language=language, card=card)
        folder = Path(out) / name if len(names) > 1 else Path(out)
        _place(files, folder)
        record = _record(opened, name, made=proven, parities=checked, golden=golden)
        write_json(folder / EXPORT_RECORD, record)
        written += [folder / path for path in (*files, EXPORT_RECORD)]
    return ExportRecord(
        model=str(model),
        out=str(out),
        files=tuple(path.relative_to(Path(out)).as_posix() for path in written),
        parity=tuple(one for checked in parities for one in checked),
    )


def _contents(
    model: Model, name: str, *, made: Export, parities: Sequence[Parity]
) -> dict[str, bytes]:
    """What lies in an export's folder beside its texts, by path."""
    files = _kept(made, parities)
    files |= {f"golden/{key}.png": data for key, data in golden_pngs(model.size_px).items()}
    if name not in ("tfjs", "teachable-machine"):
        files["predict.py"] = snippet(model, name).encode()
    return files


def _kept(made: Export, parities: Sequence[Parity]) -> dict[str, bytes]:
    """The format's own files, without those that their proof left out."""
    left_out = {one.file for one in parities if one.left_out}
    return {path: data for path, data in made.files.items() if path not in left_out}


def _place(files: Mapping[str, bytes], folder: Path) -> None:
    """Write files to a folder that may hold an earlier export."""
    # What that one said in another language is no longer so.
    for name in ("README.{}.md", "card.{}.md"):
        for language in LANGUAGES:
            (folder / name.format(language)).unlink(missing_ok=True)
    with ThreadPoolExecutor(_WRITERS) as pool:
        write_many({folder / path: data for path, data in files.items()}, pool=pool)


def _record(
    model: Model,
    name: str,
    *,
    made: Export,
    parities: Sequence[Parity],
    golden: Questions,
) -> dict[str, Any]:
    """What ``golden.json`` holds."""
    return {
        "format": FORMAT_VERSION,
        "mien": VERSION,
        "export": name,
        "labels": list(model.labels),
        "preprocessing": model.preprocessing,
        "pictures": [
            {"file": f"golden/{key}.png", "probs": [round(float(p), 6) for p in row]}
            for key, row in zip(golden.names, golden.ours, strict=True)
        ],
        "files": [
            {"file": path, "size_bytes": len(data), "sha256": digest_bytes(data)}
            for path, data in _kept(made, parities).items()
        ],
        "parity": [plain(one) for one in parities],
    }


def _card_in(language: str, model: Path) -> str | None:
    """The card in another language, where there is a run to write it from."""
    run = model.parent if model.name == runs.MODEL else model
    if language == "en" or not (run / runs.RECORD).is_file():
        return None
    return card_of(run, language=language)


def _texts(
    model: Model, name: str, *, parities: Sequence[Parity], language: str, card: str | None
) -> dict[str, bytes]:
    """README and card in a language, by the names of their files."""
    end = "md" if language == "en" else f"{language}.md"
    readme = export_readme(model, format=name, parities=parities, language=language, card=card)
    texts = {f"README.{end}": readme} | ({f"card.{end}": card} if card else {})
    return {path: text.encode() for path, text in texts.items()}


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
