"""Finding the face a photo is about. What is cropped around it is decided in `mien.image`."""

from mien.face.catalogue import DETECTORS, DetectorEntry, detector_entry
from mien.face.finder import FindsAll, default_detector, load_face_finder

__all__ = [
    "DETECTORS",
    "DetectorEntry",
    "FindsAll",
    "default_detector",
    "detector_entry",
    "load_face_finder",
]
