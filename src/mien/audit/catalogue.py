"""All checks in the order of the report. A new check is a file in `checks/` and a line here."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from mien.audit.checks.association import Association
from mien.audit.checks.banner import Banner
from mien.audit.checks.blurred import Blurred
from mien.audit.checks.cells import Cells
from mien.audit.checks.class_sizes import ClassSizes
from mien.audit.checks.copies import ExactCopies, Leak, NearCopies, TwoLabels
from mien.audit.checks.dark import Dark
from mien.audit.checks.extension import Extension
from mien.audit.checks.faces import NoFace, SeveralFaces, SmallFace
from mien.audit.checks.grey import Grey
from mien.audit.checks.group_sizes import GroupSizes
from mien.audit.checks.label_doubt import LabelDoubt
from mien.audit.checks.lookalikes import LookAlikes
from mien.audit.checks.looks import LooksTaken
from mien.audit.checks.names import Names
from mien.audit.checks.not_photo import NotPhoto
from mien.audit.checks.odd_shape import OddShape
from mien.audit.checks.overexposed import Overexposed
from mien.audit.checks.persons import Persons
from mien.audit.checks.screenshot import Screenshot
from mien.audit.checks.separability import Separability
from mien.audit.checks.shortcuts import Background, FileType, Light, Size, Source
from mien.audit.checks.skin_tone import SkinTone
from mien.audit.checks.test_classes import TestClasses
from mien.audit.checks.test_size import TestSize
from mien.audit.checks.too_small import TooSmall
from mien.audit.checks.ungrouped import Ungrouped
from mien.audit.checks.unusable import Unusable
from mien.audit.findings import Check, Finding
from mien.audit.view import View
from mien.records import Progress, no_progress

CHECKS: Final[Sequence[type[Check]]] = (
    Unusable, TooSmall, Blurred, Dark, Overexposed, Grey, OddShape, NoFace, SeveralFaces, SmallFace,
    NotPhoto, Screenshot, Banner, Extension,
    ClassSizes, Cells, Association, Ungrouped, GroupSizes,
    ExactCopies, NearCopies, TwoLabels, LookAlikes, Leak, Persons,
    Names, LabelDoubt, Separability,
    FileType, Size, Source, Background, Light,
    TestSize, TestClasses, LooksTaken,
    SkinTone,
)  # fmt: skip


def run_checks(view: View, *, progress: Progress = no_progress) -> tuple[Finding, ...]:
    """Ask every question, in order.

    Args:
        view: What may be looked at.
        progress: Told checks.
    """
    findings = []
    for number, check in enumerate(CHECKS, start=1):
        findings.append(check().run(view))
        progress("checking", number, len(CHECKS))
    return tuple(findings)
