"""`mien import`: photos out of a Teachable Machine project, a model out of its exports.

Law: nothing in the thing is executed; what is not read completely is not written.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mien.errors import ModelError, UserError
from mien.formats.importers import read_foreign
from mien.formats.project import is_project, unpack_samples
from mien.model import write_model
from mien.records import Progress, Reject, no_progress


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
    """

    source: str
    kind: str
    out: str
    classes: dict[str, int | None]
    settings: dict[str, float] = field(default_factory=dict)
    rejects: tuple[Reject, ...] = ()

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
    model = read_foreign(source).model()
    if target.is_dir() or target.suffix != ".onnx":
        target = target / "model.onnx"
    if target.exists():
        raise ModelError(f"'{target}' is there already", "Choose another name with --out.")
    write_model(target, model)
    return ImportRecord(
        source=str(thing),
        kind="model",
        out=str(target),
        classes=dict.fromkeys(model.labels),
    )


def _is_zip(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return file.read(2) == b"PK"
    except OSError as error:
        raise UserError(f"cannot read '{path}': {error.strerror or error}") from error
