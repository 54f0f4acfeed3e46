"""All checks in the order of the report. A new check is a file in `checks/` and a line here."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from mien.audits.checks.association import Association
from mien.audits.checks.banner import Banner
from mien.audits.checks.blurred import Blurred
from mien.audits.checks.cells import Cells
from mien.audits.checks.class_sizes import ClassSizes
from mien.audits.checks.copies import ExactCopies, Leak, NearCopies, TwoLabels
from mien.audits.checks.dark import Dark
from mien.audits.checks.extension import Extension
from mien.audits.checks.faces import NoFace, SeveralFaces, SmallFace
from mien.audits.checks.grey import Grey
from mien.audits.checks.group_sizes import GroupSizes
from mien.audits.checks.label_doubt import LabelDoubt
from mien.audits.checks.lookalikes import LookAlikes
from mien.audits.checks.looks import LooksTaken
from mien.audits.checks.names import Names
from mien.audits.checks.not_photo import NotPhoto
from mien.audits.checks.odd_shape import OddShape
from mien.audits.checks.overexposed import Overexposed
from mien.audits.checks.persons import Persons
from mien.audits.checks.screenshot import Screenshot
from mien.audits.checks.separability import Separability
from mien.audits.checks.shortcuts import Background, FileType, Light, Size, Source
from mien.audits.checks.skin_tone import SkinTone
from mien.audits.checks.test_classes import TestClasses
from mien.audits.checks.test_size import TestSize
from mien.audits.checks.too_small import TooSmall
from mien.audits.checks.ungrouped import Ungrouped
from mien.audits.checks.unusable import Unusable
from mien.audits.findings import Check, Finding
from mien.audits.view import View
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
