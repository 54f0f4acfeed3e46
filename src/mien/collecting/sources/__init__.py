"""Where photos can be collected from: one file a source, one literal table of all.

A source turns words into candidates, page by page, until it is dry. It never fetches a picture.
"""

from mien.collecting.sources.base import Source, SourceContext
from mien.collecting.sources.catalogue import SOURCES, SourceEntry, source_entry

__all__ = ["SOURCES", "Source", "SourceContext", "SourceEntry", "source_entry"]
