"""Reads the model out of Teachable Machine's Arduino sketch, its export for microcontrollers.

The sketch's zip holds no `.tflite`: its bytes stand in ``person_detect_model_data.cpp`` as C source
(``0x20, 0x00, …``), the labels in ``model_settings.cpp``. Law: the source is searched for numbers
and texts alone; nothing is compiled or run.
"""

from __future__ import annotations

import re
import struct
from typing import Final

from mien.archive import Archive
from mien.errors import ModelError
from mien.formats.imported import Imported
from mien.formats.tflite import tflite_model

SKETCH: Final = "person_detect_model_data.cpp"
SETTINGS: Final = "model_settings.cpp"
# An embedded model is 0.5 MB, six characters a byte.
_MAX_SOURCE_BYTES: Final = 32 << 20
_MAX_SETTINGS_BYTES: Final = 1 << 20
_ARRAY: Final = re.compile(rb"\[\s*\]\s*=\s*\{([0-9a-fA-FxX,\s]*)\}")
_BYTE: Final = re.compile(rb"0[xX]([0-9a-fA-F]{2})")
_LABELS: Final = re.compile(r"kCategoryLabels\s*\[[^\]]*\]\s*=\s*\{([^}]*)\}")
_TEXT: Final = re.compile(r'"((?:[^"\\\n]|\\.)*)"')


def read_sketch(archive: Archive, name: str) -> Imported:
    """Read the model whose bytes stand in the source `name`, and the labels beside it.

    Raises:
        ModelError: There is no array of bytes in it, or they are not a `.tflite` that mien reads.
    """
    source = archive.read(name, limit_bytes=_MAX_SOURCE_BYTES)
    found = _ARRAY.search(source)
    data = bytes.fromhex(b"".join(_BYTE.findall(found[1])).decode()) if found else b""
    where = f"'{archive.path}:{name}'"
    if data[4:8] != b"TFL3":
        raise ModelError(f"{where} holds no model as C source, 0x…, 0x…")
    try:
        return tflite_model(data, labels=_labels(archive, name))
    except ModelError as error:
        raise ModelError(f"{where}: {error.message}", error.hint) from error
    except (struct.error, ValueError, OverflowError) as error:
        raise ModelError(f"{where} holds a damaged .tflite file: {error}") from error


def _labels(archive: Archive, name: str) -> tuple[str, ...] | None:
    beside = f"{name.removesuffix(SKETCH)}{SETTINGS}"
    if beside not in archive.names:
        return None
    text = archive.read(beside, limit_bytes=_MAX_SETTINGS_BYTES).decode("utf-8", "replace")
    found = _LABELS.search(text)
    return tuple(_TEXT.findall(found[1])) if found else None
