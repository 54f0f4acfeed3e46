"""SHA-256 of bytes, files and settings: the names that mien trusts instead of file names.

Knows nothing of photos or models. A digest is always 64 lower-case hexadecimal digits.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path

_CHUNK_BYTES = 1 << 20


def digest_bytes(data: bytes) -> str:
    """Digest bytes.

    Example:
        >>> digest_bytes(b"")[:8]
        'e3b0c442'
    """
    return hashlib.sha256(data).hexdigest()


def digest_file(path: Path) -> str:
    """Digest a file's content without holding it in memory.

    Raises:
        OSError: The file cannot be read.
    """
    state = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            state.update(chunk)
    return state.hexdigest()


def digest_text(*parts: str) -> str:
    """Digest several texts so that no two different lists of texts share a digest.

    Each part is preceded by its length, so ``("ab", "c")`` and ``("a", "bc")`` differ.

    Example:
        >>> digest_text("ab", "c") == digest_text("a", "bc")
        False
    """
    state = hashlib.sha256()
    for part in parts:
        data = part.encode()
        state.update(len(data).to_bytes(8, "big"))
        state.update(data)
    return state.hexdigest()


def digest_json(value: object) -> str:
    """Digest a value that JSON can hold, whatever the order of its keys."""
    return digest_bytes(json.dumps(value, sort_keys=True, ensure_ascii=False).encode())


def digest_many(digests: Iterable[str]) -> str:
    """Digest a collection of digests, whatever its order: the fingerprint of a dataset."""
    return digest_text(*sorted(digests))
