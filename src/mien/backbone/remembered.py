"""What the cache holds of embedded photos, and under which keys.

Laws: a key is the photo's bytes, the preprocessing, the backbone and the face detector, never a
name or a date; a photo counts as done only where everything that was asked for is there.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
from jaxtyping import Float32

from mien.backbone.weights import Backbone
from mien.cache import Cache
from mien.digest import digest_text
from mien.image.preprocessing import Preprocessing
from mien.records import Face, FaceFinder, face_of, plain

Embedding: TypeAlias = Float32[np.ndarray, " d"]

# Bump when the same photo, preprocessing and backbone give other numbers than before.
_KEY_VERSION: Final = "1"


@dataclass(frozen=True, kw_only=True, eq=False)
class Done:
    """What there is to know of one photo that worked.

    Attributes:
        value: Its embedding.
        mirrored: That of its mirror image; None where it was not asked for.
        face: None where there is none or nobody looked.
    """

    value: Embedding
    mirrored: Embedding | None
    face: Face | None


@dataclass(frozen=True, kw_only=True, eq=False)
class Answer:
    """What came of one photo: it is done, or there is a reason.

    Attributes:
        sha256: Of the photo's bytes.
        done: None where it cannot be embedded.
        reason: Why not; empty where it is done.
        face: What the detector saw, even where that is the reason.
        looked: Whether it was asked.
        gleaned: What else is to be kept.
    """

    sha256: str
    done: Done | None
    reason: str
    face: Face | None
    looked: bool
    gleaned: Mapping[str, bytes]


@dataclass(frozen=True, kw_only=True)
class Keys:
    """The keys under which the cache holds a photo's embedding, its mirror image's and its face.

    Attributes:
        setting: Digest of what makes the embedding: preprocessing, backbone, detector.
        finder: Digest of the detector; None where nobody looks for faces.
    """

    setting: str
    finder: str | None

    @classmethod
    def of(
        cls, backbone: Backbone, preprocessing: Preprocessing, find_face: FaceFinder | None
    ) -> Keys:
        """The keys of one way to embed."""
        finder = find_face.sha256 if find_face else None
        # A detector that only reports faces changes no pixel, so it is no part of the setting.
        of_crop = finder if finder and preprocessing.needs_face else ""
        parts = (_KEY_VERSION, str(preprocessing), backbone.sha256, of_crop)
        return cls(setting=digest_text(*parts), finder=finder)

    def value(self, sha256: str) -> str:
        """Of a photo's embedding."""
        return "embedding:" + digest_text(sha256, self.setting)

    def mirror(self, sha256: str) -> str:
        """Of its mirror image's."""
        return "embedding:" + digest_text(sha256, self.setting, "mirror")

    def face(self, sha256: str) -> str:
        """Of its face."""
        return "face:" + digest_text(_KEY_VERSION, sha256, self.finder or "")

    def entries(self, answer: Answer) -> dict[str, bytes]:
        """What the cache is to keep of an answer."""
        entries = dict(answer.gleaned)
        if answer.looked:
            entries[self.face(answer.sha256)] = json.dumps(plain(answer.face)).encode()
        if answer.done is not None:
            entries[self.value(answer.sha256)] = answer.done.value.astype("<f4").tobytes()
            if answer.done.mirrored is not None:
                entries[self.mirror(answer.sha256)] = answer.done.mirrored.astype("<f4").tobytes()
        return entries


@dataclass(frozen=True, kw_only=True, eq=False)
class Known:
    """What the cache knew.

    Attributes:
        done: SHA-256 → photos of which nothing is missing.
        faces: SHA-256 → face or None, also of photos that are not done.
    """

    done: Mapping[str, Done]
    faces: Mapping[str, Face | None]


def recall(cache: Cache, keys: Keys, sha256s: Sequence[str], *, mirrored: bool) -> Known:
    """Ask the cache about photos.

    Args:
        cache: Of the photos' folder.
        keys: Of the way to embed.
        sha256s: Of the photos.
        mirrored: Whether the mirror image's embedding is wanted too.
    """
    wanted = [keys.value(sha256) for sha256 in sha256s]
    wanted += [keys.mirror(sha256) for sha256 in sha256s] if mirrored else []
    wanted += [keys.face(sha256) for sha256 in sha256s] if keys.finder else []
    found = cache.get_many(wanted)
    faces = {s: face_of(json.loads(found[keys.face(s)])) for s in sha256s if keys.face(s) in found}
    done = {}
    for sha256 in sha256s:
        value, mirror = found.get(keys.value(sha256)), found.get(keys.mirror(sha256))
        looked = keys.finder is None or sha256 in faces
        if value is None or (mirrored and mirror is None) or not looked:
            continue
        done[sha256] = Done(
            value=np.frombuffer(value, "<f4"),
            mirrored=np.frombuffer(mirror, "<f4") if mirrored and mirror else None,
            face=faces.get(sha256),
        )
    return Known(done=done, faces=faces)
