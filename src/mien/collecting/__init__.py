"""Collecting photos: from the web with their licences, sorted, balanced by quota, forgettable.

Start reading at `collector.Collector`; `connection` and `addresses` hold the defence against
servers that lie, `ledger` the record of where each photo is from. A name is loaded when it is first
asked for: the processes of `looking` need few of them, and wait for all that is loaded.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

# Public name -> module that holds it.
_NAMES = {
    "REASONS": "mien.collecting.records",
    "SOURCES": "mien.collecting.sources",
    "Browser": "mien.collecting.connection",
    "Candidate": "mien.collecting.records",
    "Collector": "mien.collecting.collector",
    "Gathered": "mien.collecting.records",
    "Manners": "mien.collecting.politeness",
    "Patience": "mien.collecting.connection",
    "Reason": "mien.collecting.records",
    "Search": "mien.collecting.records",
    "Settings": "mien.collecting.settings",
    "Unusable": "mien.collecting.records",
}

if TYPE_CHECKING:
    from mien.collecting.collector import Collector
    from mien.collecting.connection import Browser, Patience
    from mien.collecting.politeness import Manners
    from mien.collecting.records import REASONS, Candidate, Gathered, Reason, Search, Unusable
    from mien.collecting.settings import Settings
    from mien.collecting.sources import SOURCES

__all__ = [
    "REASONS",
    "SOURCES",
    "Browser",
    "Candidate",
    "Collector",
    "Gathered",
    "Manners",
    "Patience",
    "Reason",
    "Search",
    "Settings",
    "Unusable",
]


def __getattr__(name: str) -> Any:
    if name not in _NAMES:
        raise AttributeError(f"module 'mien.collecting' has no attribute '{name}'")
    return getattr(importlib.import_module(_NAMES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
