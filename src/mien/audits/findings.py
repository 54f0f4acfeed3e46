"""What a check finds, and the frame that all checks share.

A check has a stable code, a severity and a page in docs/checks.md with its exact rule. It always
answers: *issue* (something is wrong), *hint* (worth a look; may be meant), *passed*, *not
applicable* (with the reason), or *skipped* (somebody has to ask for it, or a part was not there).
Law: a finding names its evidence, so that a person can look at it; codes are never used again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Literal, TypeAlias, get_args

if TYPE_CHECKING:
    from mien.audits.view import View

Severity: TypeAlias = Literal["high", "medium", "low"]
Outcome: TypeAlias = Literal["issue", "hint", "passed", "not applicable", "skipped"]
OUTCOMES: tuple[Outcome, ...] = get_args(Outcome)
Side: TypeAlias = Literal["train", "test"]


@dataclass(frozen=True, kw_only=True)
class Pair:
    """Two photos that show the same, or nearly.

    Attributes:
        first: Name of the photo.
        second: Name of the other.
        first_in: The folder it lies in: training or test photos.
        second_in: Likewise.
        how: In words: ``same bytes``, ``mirrored``, ``cropped to 64 %`` …
        distance: 0 for the same; the check's page says of what.
    """

    first: str
    second: str
    first_in: Side
    second_in: Side
    how: str
    distance: float


@dataclass(frozen=True, kw_only=True)
class Finding:
    """What one check found.

    Attributes:
        code: Of the check, such as ``M305``.
        severity: How much it matters where it is an issue.
        outcome: See the module.
        title: Of the check.
        sentence: What was found, with numbers, and what to do.
        photos: Names of the photos it is about, worst first.
        test_photos: The same among the test photos.
        pairs: Pairs of photos, nearest first.
        details: Figures, by the check's page.
    """

    code: str
    severity: Severity
    outcome: Outcome
    title: str
    sentence: str
    photos: tuple[str, ...] = ()
    test_photos: tuple[str, ...] = ()
    pairs: tuple[Pair, ...] = ()
    details: Mapping[str, Any] = field(default_factory=dict)


class Check:
    """One question asked of a dataset. Subclasses set the three names and `run`."""

    code: ClassVar[str]
    title: ClassVar[str]
    severity: ClassVar[Severity]

    def run(self, view: View) -> Finding:
        """Answer the question."""
        raise NotImplementedError

    def found(
        self,
        outcome: Outcome,
        sentence: str,
        *,
        photos: Sequence[str] = (),
        test_photos: Sequence[str] = (),
        pairs: Sequence[Pair] = (),
        details: Mapping[str, Any] | None = None,
    ) -> Finding:
        """A finding of this check."""
        return Finding(
            code=self.code,
            severity=self.severity,
            outcome=outcome,
            title=self.title,
            sentence=sentence,
            photos=tuple(photos),
            test_photos=tuple(test_photos),
            pairs=tuple(pairs),
            details=details or {},
        )

    def passed(self, sentence: str, **details: Any) -> Finding:
        """Nothing was found."""
        return self.found("passed", sentence, details=details)

    def not_applicable(self, reason: str) -> Finding:
        """The question makes no sense here."""
        return self.found("not applicable", reason)

    def skipped(self, reason: str) -> Finding:
        """The question was not asked."""
        return self.found("skipped", reason)


def some(names: Sequence[str], most: int = 3) -> str:
    """The first few of many names, for a sentence.

    Example:
        >>> some(["a", "b", "c", "d", "e"])
        'a, b, c and 2 more'
    """
    rest = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + rest
