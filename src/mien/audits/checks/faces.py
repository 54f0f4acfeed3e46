"""M108 to M110: no face, several faces, a face too small or cut off."""

from __future__ import annotations

from typing import Final

from mien.audits.checks.per_photo import PhotoCheck
from mien.audits.facts import Facts
from mien.audits.findings import Finding
from mien.audits.view import View
from mien.records import Face

# Where fewer photos than this show a face, the folder is not about faces.
_ABOUT_FACES: Final = 0.5
_LEAST_FACE_PX: Final = 40
_LEAST_FACE_SHARE: Final = 0.12
_MOST_BEYOND: Final = 0.15


class _FaceCheck(PhotoCheck):
    def run(self, view: View) -> Finding:
        """Ask every photo, where the folder is about faces."""
        faces = [face for _, part in view.parts for face in part.faces]
        n = sum(face is not None for face in faces)
        if n < _ABOUT_FACES * len(faces):
            return self.not_applicable(
                f"faces were found in {n} of {len(faces)} photos: they are not about faces"
            )
        return super().run(view)


class NoFace(_FaceCheck):
    """Photos in which the detector finds no face."""

    code = "M108"
    title = "No face"
    severity = "medium"
    outcome = "issue"
    says = ("shows no face that can be found", "show no face that can be found")
    advice = "Look closely: a hidden or turned face teaches nothing of an expression."
    clean = "A face was found in every photo."

    def how_bad(self, _facts: Facts, face: Face | None) -> float | None:
        """No face at all."""
        return 1.0 if face is None else None


class SeveralFaces(_FaceCheck):
    """Photos in which the detector finds more than one face."""

    code = "M109"
    title = "Several faces"
    severity = "medium"
    outcome = "hint"
    says = ("shows more than one face", "show more than one face")
    advice = "Crop to the person that the label is about."
    clean = "No photo shows more than one face."

    def how_bad(self, _facts: Facts, face: Face | None) -> float | None:
        """More than one."""
        return float(face.n_faces) if face and face.n_faces > 1 else None


class SmallFace(_FaceCheck):
    """Photos whose face is small or reaches beyond the picture."""

    code = "M110"
    title = "Face too small or cut off"
    severity = "low"
    outcome = "hint"
    says = (
        "shows a face that is very small or cut off",
        "show a face that is very small or cut off",
    )
    advice = "Crop to the face, or find another photo."
    clean = "Every face is large enough and whole."

    def how_bad(self, facts: Facts, face: Face | None) -> float | None:
        """Small in pixels, small in the picture, or beyond its edge."""
        return None if face is None else _small_or_cut(facts, face)


def _small_or_cut(facts: Facts, face: Face) -> float | None:
    left, top, right, bottom = face.xyxy_px
    width, height = max(right - left, 1e-6), max(bottom - top, 1e-6)
    longer = max(width, height)
    share = longer / facts.shorter_px
    inside = max(0.0, min(right, facts.width_px) - max(left, 0.0)) * max(
        0.0, min(bottom, facts.height_px) - max(top, 0.0)
    )
    beyond = 1 - inside / (width * height)
    if longer >= _LEAST_FACE_PX and share >= _LEAST_FACE_SHARE and beyond <= _MOST_BEYOND:
        return None
    return beyond + 1 / longer
