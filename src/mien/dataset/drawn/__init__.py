"""Faces drawn by code: sample photos for the demo, and planted faults for the tests of checks.

No photo of a person is in this repository, and none is needed: these are illustrations with the
brows, eyes and mouth that each expression has. A model trained on them knows drawings, not people.
"""

from mien.dataset.drawn.actions import CLASSES, EXPRESSIONS, Actions, perform
from mien.dataset.drawn.bad_files import draw_bad_files
from mien.dataset.drawn.face import draw_face
from mien.dataset.drawn.faults import Faults, Planted
from mien.dataset.drawn.folder import GROUPS, Drawn, DrawnPhoto, draw_dataset
from mien.dataset.drawn.scene import BACKGROUNDS
from mien.dataset.drawn.traits import GENDERS, SKIN_TONES, Person, make_person

__all__ = [
    "BACKGROUNDS",
    "CLASSES",
    "EXPRESSIONS",
    "GENDERS",
    "GROUPS",
    "SKIN_TONES",
    "Actions",
    "Drawn",
    "DrawnPhoto",
    "Faults",
    "Person",
    "Planted",
    "draw_bad_files",
    "draw_dataset",
    "draw_face",
    "make_person",
    "perform",
]
