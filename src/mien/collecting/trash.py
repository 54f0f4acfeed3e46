"""Photos that lie in the studio's trash, and what its journal remembers of them.

The journal (`.mien/journal.jsonl`, see `studio.journal`) says from where a photo was moved to the
trash and which groups it had then; here it is only read. A line that makes no sense is passed over.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from mien.collecting.inventory import HeldPhoto
from mien.dataset.walk import fingerprint, walk
from mien.files import nfc
from mien.records import no_progress

TRASH: Final = ".mien/trash"
_JOURNAL: Final = ".mien/journal.jsonl"


def trashed_photos(folder: Path) -> list[HeldPhoto]:
    """The photos that the studio moved to its trash, where they wait to be brought back.

    Each with the groups that it had when it went; one with the bytes of a photo in the ledger has
    its source too.
    """
    trash = folder / TRASH
    if not trash.is_dir():
        return []
    changes = _changes(folder)
    found = walk(trash, prefix=f"{TRASH}/", root=trash.resolve())
    photos = []
    for candidate, sha256 in fingerprint(found, progress=no_progress)[0]:
        was, groups = _past(candidate.name, changes)
        photos.append(
            HeldPhoto(
                path=candidate.path,
                name=candidate.name,
                sha256=sha256,
                label=None,
                groups=groups,
                undecided=False,
                was=was,
            )
        )
    return photos


def _past(name: str, changes: Sequence[Mapping[str, Any]]) -> tuple[str, Mapping[str, str]]:
    """A trashed photo's last name outside the trash, empty where it is not told, and its groups."""
    for change in reversed(changes):
        groups = _row(change, name, 1)
        if groups:
            return _outside(name), groups
        for pair in reversed(change.get("moves", ())):
            source, target = map(nfc, pair)  # as `walk` names files
            if name == target or name.startswith(f"{target}/"):
                name = source + name[len(target) :]
        if groups := _row(change, name, 0):
            return _outside(name), groups
    return _outside(name), {}


def _outside(name: str) -> str:
    return "" if name.startswith(f"{TRASH}/") else name


def _row(change: Mapping[str, Any], name: str, when: int) -> Mapping[str, str]:
    """A photo's groups before (0) or after (1) a change; empty where it says none."""
    rows = change.get("rows", {}).get(name)
    return rows[when] or {} if rows else {}


def _changes(folder: Path) -> list[Mapping[str, Any]]:
    """The changes that were carried out, the earliest first."""
    changes, given_up = [], set()
    for entry in _entries(folder / _JOURNAL):
        if isinstance(entry.get("given_up"), str):
            given_up.add(entry["given_up"])
        elif _is_change(entry.get("change")):
            changes.append(entry["change"])
    return [change for change in changes if change.get("id") not in given_up]


def _entries(path: Path) -> Iterator[Mapping[str, Any]]:
    if not path.is_file():
        return
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        try:
            entry = json.loads(line)
        except ValueError:
            continue  # half a line, as a kill leaves it
        if isinstance(entry, dict):
            yield entry


def _is_change(value: Any) -> bool:
    if not isinstance(value, dict):
        return False
    moves, rows = value.get("moves", []), value.get("rows", {})
    return (
        isinstance(moves, list)
        and all(_are(pair, str) for pair in moves)
        and isinstance(rows, dict)
        and all(_are(pair, dict | None) for pair in rows.values())
    )


def _are(pair: Any, kind: Any) -> bool:
    return isinstance(pair, list) and len(pair) == 2 and all(isinstance(one, kind) for one in pair)
