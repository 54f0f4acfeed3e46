"""Where mien keeps what belongs to the user and to no single folder of photos.

Law: `MIEN_HOME`, where it is set, holds everything; otherwise each system's own convention holds
(XDG on Linux, Library on macOS, LOCALAPPDATA on Windows). Nothing is made here: whoever writes
makes the folder.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path


def user_cache() -> Path:
    """The folder for what can be computed again.

    Example:
        >>> os.environ["MIEN_HOME"] = "/srv/mien"
        >>> user_cache().as_posix()
        '/srv/mien/cache'
        >>> del os.environ["MIEN_HOME"]
    """
    return _place("cache", xdg="XDG_CACHE_HOME", linux=".cache", mac="Library/Caches")


def user_data() -> Path:
    """The folder for what was fetched on the user's word, such as backbones."""
    return _place(
        "data", xdg="XDG_DATA_HOME", linux=".local/share", mac="Library/Application Support"
    )


def _place(kind: str, *, xdg: str, linux: str, mac: str) -> Path:
    if home := os.environ.get("MIEN_HOME"):
        return Path(home).expanduser() / kind
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA") or str(Path.home() / "AppData" / "Local")
        return Path(base) / "mien" / kind
    if sys.platform == "darwin":
        return Path.home() / mac / "mien"
    # The XDG specification: a relative path is to be ignored.
    named = Path(os.environ.get(xdg, ""))
    return (named if named.is_absolute() else Path.home() / linux) / "mien"
