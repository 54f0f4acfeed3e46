"""docs/formats.md has every key that the code prints, and every format it writes."""

from __future__ import annotations

import dataclasses
import importlib
import inspect
import re
from pathlib import Path

import pytest

from mien.collecting.ledger import SourceLine, Tombstone
from mien.collecting.records import Line
from mien.formats.catalogue import EXPORTERS
from mien.formats.parity import Parity
from mien.head.fitted import History
from mien.model.file import metadata_of
from mien.studies.jobs import Run
from mien.workflows.exams import Look

PAGE = (Path(__file__).resolve().parents[1] / "docs" / "formats.md").read_text(encoding="utf-8")
MODULES = {
    "audit": "audit",
    "backbones": "backbones",
    "collect": "collected",
    "compare": "compare",
    "curve": "curve",
    "demo": "demo",
    "export": "export",
    "forget": "forget",
    "import": "import_",
    "plan": "plan",
    "predict": "predict",
    "report": "report",
    "reproduce": "reproduced",
    "sources": "sources",
    "split": "split",
    "study": "study",
    "test": "test",
    "train": "train_record",
}


def section(title: str) -> str:
    match = re.search(rf"^### {re.escape(title)}\n(.*?)(?=^##)", PAGE + "\n##", re.M | re.S)
    assert match, f"docs/formats.md has no section '{title}'"
    return match[1]


def record_of(verb: str) -> type:
    module = importlib.import_module(f"mien.workflows.{MODULES[verb]}")
    (record,) = (
        one
        for name, one in inspect.getmembers(module, inspect.isclass)
        if name.endswith("Record")
        and name.lower().startswith(verb[:6])
        and one.__module__ == module.__name__
    )
    return record


@pytest.mark.parametrize("verb", MODULES)
def test_every_key_of_a_verb_stands_on_the_page(verb: str) -> None:
    text = section(f"mien {verb}")
    names = [field.name for field in dataclasses.fields(record_of(verb))]
    missing = [name for name in names if not re.search(rf"`{name}(\[\])?`", text)]
    assert not missing, f"mien {verb}: {missing}"


def test_every_export_format_and_every_key_of_its_proof_stands_on_the_page() -> None:
    for name in EXPORTERS:
        assert f"| `{name}` |" in PAGE
    for field in dataclasses.fields(Parity):
        assert f"`{field.name}`" in section("Parity")


def test_every_key_of_the_model_file_stands_on_the_page() -> None:
    text = inspect.getsource(metadata_of)
    for key in re.findall(r'^\s+"(\w+)": (?:VERSION|model|\{)', text, re.M):
        assert f"`mien.{key}`" in PAGE, key


@pytest.mark.parametrize(
    ("row", "module", "constant"),
    [
        ("`model.onnx`", "model.file", "VERSION"),
        ("`golden.json`", "workflows.export", "FORMAT_VERSION"),
        ("a study's `plan.json`", "studies.store", "VERSION"),
        ("`.mien/cache.sqlite`", "cache", "_VERSION"),
        ("values in the cache", "backbone.remembered", "_KEY_VERSION"),
        ("values in the cache", "audits.facts", "VERSION"),
    ],
)
def test_the_versions_on_the_page_are_the_codes_own(row: str, module: str, constant: str) -> None:
    text = PAGE.partition("\n## Versions")[2]
    line = next(line for line in text.splitlines() if line.startswith(f"| {row} |"))
    version = getattr(importlib.import_module(f"mien.{module}"), constant)
    file = module.replace(".", "/") + ".py"
    # Either «embeddings `1` (`file.py`)» or «`version`, 1 (`file.py`)».
    assert re.search(rf"\b{version}`? \(`{file}`\)", line), (version, line)


def test_every_column_of_the_tables_beside_photos_stands_on_the_page() -> None:
    text = PAGE.partition("\n## Tables beside photos")[2].partition("\n## ")[0]
    for record in (Look, Tombstone, Line):
        for field in dataclasses.fields(record):
            assert f"`{field.name}`" in text, (record, field.name)
    for field in dataclasses.fields(SourceLine):
        assert f"`{field.name}`" in section("SourceLine"), field.name
    runs = PAGE.partition("\n## The run folder")[2].partition("\n## ")[0]
    for record in (Run, History):
        for field in dataclasses.fields(record):
            assert f"`{field.name}`" in runs, (record, field.name)
