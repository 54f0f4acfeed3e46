"""`mien import`: photos out of a Teachable Machine project, a model out of its exports.

Law: nothing in the thing is executed; what is not read completely is not written.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from mien.errors import ModelError, UserError
from mien.formats.imported import NAME_THEM, are_unnamed
from mien.formats.importers import foreign_model, is_foreign
from mien.formats.project import SUFFIXES, is_project, unpack_samples
from mien.model import write_model
from mien.records import Progress, Reject, no_progress
from mien.workflows import runs
from mien.workflows.models import EXPORT_RECORD, open_model

# Endings of the files that a model may come from.
_OTHERS: Final = (".h5", ".hdf5", ".keras", ".tflite", ".pb", ".json", ".zip", ".tm")


@dataclass(frozen=True, kw_only=True)
class ImportRecord:
    """What `mien import --json` prints.

    Attributes:
        source: What was imported.
        kind: ``photos`` or ``model``.
        out: The folder of photos, or the model file.
        classes: Photos of each class; None a class for a model.
        settings: Of a project's training, by the names of `mien train`.
        rejects: Entries that are no photos.
        sentences: What is to be known of it.
    """

    source: str
    kind: str
    out: str
    classes: dict[str, int | None]
    settings: dict[str, float] = field(default_factory=dict)
    rejects: tuple[Reject, ...] = ()
    sentences: tuple[str, ...] = ()

    @property
    def next_step(self) -> str:
        """The command that goes on from here."""
        if self.kind == "model":
            return f"mien test {self.out} --photos TESTPHOTOS"
        words = [f"--{name.replace('_', '-')} {value:g}" for name, value in self.settings.items()]
        return " ".join([f"mien train {self.out} --recipe teachable-machine", *words])

    def plain(self) -> dict[str, Any]:
        """As JSON holds it."""
        return {
            "source": self.source,
            "kind": self.kind,
            "out": self.out,
            "classes": dict(self.classes),
            "settings": dict(self.settings),
            "sentences": list(self.sentences),
            "next": self.next_step,
            "rejects": [{"path": one.path, "reason": one.reason} for one in self.rejects],
        }


def import_(
    thing: Path | str,
    *,
    out: Path | str,
    label: str | None = None,
    progress: Progress = no_progress,
) -> ImportRecord:
    """Import a project's photos or an exported model.

    Args:
        thing: A ``.tm`` project, a zip of samples, or a model that Teachable Machine exported.
        out: Folder for photos; file for a model, ``.onnx``.
        label: Class of photos that carry none.
        progress: Told photos.

    Raises:
        UserError: It is none of these, or is refused by its reader.
    """
    source, target = Path(thing), Path(out)
    _refuse_what_is_ours(source)
    if source.is_file() and _is_zip(source) and is_project(source):
        samples = unpack_samples(source, out=target, label=label, progress=progress)
        return ImportRecord(
            source=str(thing),
            kind="photos",
            out=str(target),
            classes=dict(samples.classes),
            settings=dict(samples.settings),
            rejects=samples.rejects,
        )
    target = _model_file(target)
    model = foreign_model(source)
    write_model(target, model)
    return ImportRecord(
        source=str(thing),
        kind="model",
        out=str(target),
        classes=dict.fromkeys(model.labels),
        sentences=(f"It has no names for its classes. {NAME_THEM}",)
        if are_unnamed(model.labels)
        else (),
    )


def _refuse_what_is_ours(source: Path) -> None:
    """Say that there is nothing to import where mien can use a thing as it is."""
    if not source.exists():
        raise UserError(
            f"there is nothing at '{source}'",
            "Give a .tm project, a zip of samples, or a model that Teachable Machine exported.",
        )
    exported = (source / EXPORT_RECORD).is_file()
    ours = (source / runs.RECORD).is_file() or (exported and (source / runs.MODEL).is_file())
    if source.suffix.lower() == ".onnx" or ours:
        model = open_model(source)
        raise ModelError(
            f"'{source}' is a model of mien's already: {', '.join(model.labels):.200}",
            f"Use it as it is: mien test {source} --photos TESTPHOTOS",
        )
    if not source.is_dir() or exported or is_foreign(source):
        return
    if any(photo.suffix.lower() in SUFFIXES for photo in source.glob("*/*")):
        raise UserError(
            f"'{source}' is a folder of photos already", f"Train on it: mien train {source}"
        )


def _model_file(out: Path) -> Path:
    """Where a model is written: the `.onnx` that was asked for, or one in the folder.

    Raises:
        ModelError: It is there already, or is called as a file of another format.
    """
    if out.suffix.lower() in _OTHERS and not out.is_dir():
        what = f"'{out}' is to be a {out.suffix} file; a model comes in as .onnx"
        raise ModelError(what, f"Say --out {out.with_suffix('.onnx')}, or name a folder.")
    file = out if out.suffix == ".onnx" and not out.is_dir() else out / runs.MODEL
    if file.exists():
        raise ModelError(f"'{file}' is there already", "Choose another name with --out.")
    return file


def _is_zip(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return file.read(2) == b"PK"
    except OSError as error:
        raise UserError(f"cannot read '{path}': {error.strerror or error}") from error
