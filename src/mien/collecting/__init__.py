"""Collecting photos: from the web with their licences, sorted, balanced by quota, forgettable.

Start reading at `collector.Collector`; `connection` and `addresses` hold the defence against
servers that lie, `ledger` the record of where each photo is from.
"""

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
