"""Near copies among many photos: re-encoded, resized, cropped, brightened, mirrored.

Sieves, each finer and dearer than the last: hashes and fine structure nominate (`nominating`), as
faces and embeddings do; pairs of thumbnails are aligned, by arrays of pairs; what stays in doubt is
looked at closer.

Knows nothing of labels and folders: rows in, pairs out. Law: the answer does not depend on the
order of the rows, and two rows make at most one pair.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from jaxtyping import Bool, Complex, UInt8, UInt64

from mien.audits import chips
from mien.audits.align import Match, match
from mien.audits.chips import Nomination
from mien.audits.closer import Look, look_closer
from mien.audits.nominating import Ways, nominate
from mien.audits.overlap import Overlap
from mien.audits.perceptual import CROPS, ODD_CROPS
from mien.words import percent

# A copy agrees everywhere; a copy with a banner or logo agrees to the last bit elsewhere. Other
# photos of one person before one wall reach 0.955 with 0.976 of the blocks (drawn), 0.67 (study).
_ALL_OVER: Final = (0.90, 0.98)
_ELSEWHERE: Final = (0.97, 0.60)
# Not a copy, yet the same person before the same wall: the next frame of a film, one shoot. The
# study has one such pair between training and test photos (0.67, 0.58); the next is at 0.47.
_ALIKE: Final = (0.50, 0.50)
# Degrees: less is the aligning's play too.
_TURNED: Final = 0.75
# How many pairs are looked at closer, those first for which most speaks: enough for every nominated
# pair of 1,000 photos, and a few seconds at 20,000.
_MOST_LOOKS: Final = 4000
_LOOKS_PER: Final = 20
# Neighbours by embeddings of expressions are near anyway: half of the study's are above 0.86. Where
# they are this near, points in common are searched for too. Faces that agree are laid by their
# landmarks; where landmarks lead nowhere, the faces did not agree either (docs/log.md).
_VERY_NEAR: Final = 0.97
_BOTH: Final = (False, True)
# Less than this is a crop, more is the aligning's play.
_WHOLE: Final = 0.95
# The closer look turns and cuts freely, and lays a drawn person on herself in another expression to
# 0.955 all over, and to 0.989 in part where she was cut or turned: so more is asked.
_ALL_OVER_CLOSER: Final = (0.96, 0.98)
# Of a moved picture that shows little, more is asked: drawings of one person agree to 0.983 where
# they show 38 blocks with structure or fewer, true pairs of the study to 0.99 there (docs/log.md).
_SHOWN: Final = 40
_LITTLE_SHOWN: Final = 0.99
# A frame's wall has blocks that say nothing: of a picture that shows much, less may agree where it
# agrees better. Framed copies reach 0.986 in 0.81 of 51 blocks or more, drawings of one person
# 0.985 with 39 blocks and 0.968 with 47.
_MOVED_CLOSER: Final = (0.98, 0.80)
_MUCH_SHOWN: Final = 50
# A turn fills the corners, and of a face cut out tightly the corners are much: so less may agree
# where the rest agrees better still. Such faces, turned by 4 degrees, reach 0.993; of 8,213 pairs
# of drawings that look alike none reaches 0.989.
_CORNERS_FILLED: Final = (0.992, 0.70)
# Laid on each other as well as they can be, heads and shoulders of two people before white walls
# reach 0.66; that pair of the study reaches 0.76.
_ALIKE_CLOSER: Final = (0.70, 0.60)
# An almost empty image (a wall, a blank page) agrees with every other.
_LEAST_BLOCKS: Final = 8


@dataclass(frozen=True, kw_only=True)
class Twin:
    """Two rows that show one photo.

    Attributes:
        first: The lower row.
        second: The higher row.
        mirrored: Whether one is the mirror image of the other.
        distance: 1 less the correlation of their fine structure: 0 for equal pictures.
        kept: The area that the smaller crop keeps of the other, 1 where nothing was cut off.
        edited: Whether a part of the picture differs, such as a banner.
        turned: By how many degrees one is turned against the other.
    """

    first: int
    second: int
    mirrored: bool
    distance: float
    kept: float
    edited: bool
    turned: float = 0.0

    @property
    def rows(self) -> tuple[int, int]:
        """Both rows, the lower first."""
        return self.first, self.second

    @property
    def how(self) -> str:
        """In words what was done to one of the two: ``mirrored, cropped to 64 %`` and the like."""
        words = ["mirrored"] if self.mirrored else []
        if self.kept < _WHOLE:
            words.append(f"cropped to {percent(self.kept)}")
        if self.turned >= _TURNED:
            words.append(f"turned by {self.turned:.0f}°")
        if self.edited:
            words.append("partly changed")
        return ", ".join(words) or "same picture"


@dataclass(frozen=True, kw_only=True)
class Found:
    """What a search found.

    Attributes:
        copies: Near copies, equal pictures included, sorted by rows.
        alike: Pairs that are no copies but share much of their fine structure.
    """

    copies: tuple[Twin, ...]
    alike: tuple[Twin, ...]


@dataclass(frozen=True, kw_only=True, eq=False)
class Sights:
    """What a search may look at beside hashes and thumbnails, row by row.

    Attributes:
        pictures: As `packing.pack` gives them.
        points: Landmarks of faces as `chips.landmarks_in`, NaN where unknown.
        chips: As `chips.chip`, None where there is no face.
        near: Pairs of rows that embeddings call neighbours, with their similarity.
    """

    pictures: Sequence[bytes]
    points: Complex[np.ndarray, "n 5"]
    chips: Sequence[UInt8[np.ndarray, "32 32"] | None]
    near: Mapping[tuple[int, int], float]


def find_twins(
    hashes: UInt64[np.ndarray, "n 8"],
    *,
    thumbnails: UInt8[np.ndarray, "n 64 64"],
    extra: Sequence[tuple[int, int]] = (),
) -> list[Twin]:
    """The copies alone; see `search`."""
    return list(search(hashes, thumbnails=thumbnails, extra=extra).copies)


def search(
    hashes: UInt64[np.ndarray, "n 8"],
    *,
    thumbnails: UInt8[np.ndarray, "n 64 64"],
    extra: Sequence[tuple[int, int]] = (),
    sights: Sights | None = None,
) -> Found:
    """Find all pairs of near copies, equal pictures included, and pairs that look alike.

    Args:
        hashes: As `perceptual.fingerprints` gives them.
        thumbnails: As `perceptual.thumbnail` gives them.
        extra: Pairs of rows to be looked at in any case, such as neighbours of embeddings.
        sights: What a closer look needs; without it, turned and framed copies are not found.
    """
    nominated = nominate(hashes, thumbnails=thumbnails, extra=extra)
    i, j, crop, mirrored = nominated.T
    second = thumbnails[j]
    second = np.where((mirrored == 1)[:, None, None], second[:, :, ::-1], second)
    found = match(thumbnails[i], second=second, crops=np.array((*CROPS, *ODD_CROPS))[crop])
    all_over = (found.fine >= _ALL_OVER[0]) & (found.covered >= _ALL_OVER[1])
    elsewhere = (found.fine >= _ELSEWHERE[0]) & (found.covered >= _ELSEWHERE[1])
    alike = (found.fine >= _ALIKE[0]) & (found.covered >= _ALIKE[1])
    copies = {t.rows: t for t in _best(nominated, found, good=all_over | elsewhere, whole=all_over)}
    others = {t.rows: t for t in _best(nominated, found, good=alike, whole=all_over)}
    if sights is not None:
        for twin, is_copy in _closer(sights, known=copies, doubtful=others):
            (copies if is_copy else others)[twin.rows] = twin
    return Found(
        copies=tuple(copies[rows] for rows in sorted(copies)),
        alike=tuple(others[rows] for rows in sorted(others) if rows not in copies),
    )


def _closer(
    sights: Sights,
    *,
    known: Mapping[tuple[int, int], Twin],
    doubtful: Iterable[tuple[int, int]],
) -> Iterator[tuple[Twin, bool]]:
    """Pairs that only a closer look tells: copies (True), and what looks alike."""
    evidence = _evidence(sights)
    for rows in known:
        evidence.pop(rows, None)
    unsure = set(doubtful)
    evidence |= dict.fromkeys(unsure, Nomination(agreed=1.0, ways=_BOTH))
    most = _MOST_LOOKS + len(sights.pictures) // _LOOKS_PER
    asked = sorted(evidence, key=lambda rows: (-evidence[rows].agreed, rows))[:most]
    thorough = {rows for rows in asked if sights.near.get(rows, 0.0) > _VERY_NEAR} | unsure
    looked = look_closer(
        sights.pictures,
        points=sights.points,
        pairs={
            rows: Look(
                thorough=rows in thorough, ways=_BOTH if rows in thorough else evidence[rows].ways
            )
            for rows in asked
        },
    )
    for (first, second), found in looked.items():
        if found.n_blocks < _LEAST_BLOCKS:
            continue
        whole, part = _agrees(found)
        alike = found.fine >= _ALIKE_CLOSER[0] and found.covered >= _ALIKE_CLOSER[1]
        if whole or part or alike:
            yield (
                Twin(
                    first=first,
                    second=second,
                    mirrored=found.mirrored,
                    distance=round(max(0.0, 1.0 - found.fine), 4),
                    kept=round(found.kept, 2),
                    edited=not whole,
                    turned=round(abs(found.turned), 1),
                ),
                whole or part,
            )


def _agrees(found: Overlap) -> tuple[bool, bool]:
    """Whether two laid pictures show one photo: all over, or all but a changed part."""
    moved = found.kept < _WHOLE or abs(found.turned) >= _TURNED
    all_over = found.fine >= _ALL_OVER_CLOSER[0] and found.covered >= _ALL_OVER_CLOSER[1]
    if moved:
        enough = found.n_blocks >= _SHOWN or found.fine >= _LITTLE_SHOWN
        elsewhere = found.fine >= _MOVED_CLOSER[0] and found.covered >= _MOVED_CLOSER[1]
        corners = found.fine >= _CORNERS_FILLED[0] and found.covered >= _CORNERS_FILLED[1]
        whole = all_over and enough
        part = (elsewhere and found.n_blocks >= _MUCH_SHOWN) or (
            corners and found.n_blocks >= _SHOWN
        )
        return whole, part and not whole
    return all_over, found.fine >= _ELSEWHERE[0] and found.covered >= _ELSEWHERE[1]


def _evidence(sights: Sights) -> dict[tuple[int, int], Nomination]:
    """Pairs that may show one photo, with what speaks for it: alike faces, near embeddings."""
    faces = np.array([row for row, chip in enumerate(sights.chips) if chip is not None], dtype=int)
    seen = [chip for chip in sights.chips if chip is not None]
    evidence = chips.nominate(np.stack(seen), rows=faces) if len(seen) > 1 else {}
    for rows in sights.near:
        agreed = evidence[rows].agreed if rows in evidence else 0.0
        evidence[rows] = Nomination(agreed=agreed, ways=_BOTH)
    return evidence


def agree(found: Match) -> Bool[np.ndarray, " p"]:
    """Whether each pair, once aligned, shows one photo: all over, or all but a banner or logo."""
    all_over = (found.fine >= _ALL_OVER[0]) & (found.covered >= _ALL_OVER[1])
    elsewhere = (found.fine >= _ELSEWHERE[0]) & (found.covered >= _ELSEWHERE[1])
    good: Bool[np.ndarray, " p"] = (all_over | elsewhere) & (found.n_blocks >= _LEAST_BLOCKS)
    return good


def clusters_of(twins: Sequence[Twin]) -> list[list[int]]:
    """Rows that are joined by near copies, as `dataset.splits.divide` takes them."""
    return [[twin.first, twin.second] for twin in twins]


def _best(
    nominated: Ways,
    found: Match,
    *,
    good: Bool[np.ndarray, " p"],
    whole: Bool[np.ndarray, " p"],
) -> list[Twin]:
    """The best way of each pair of rows, of those that are `good` and not almost empty."""
    good = good & (found.n_blocks >= _LEAST_BLOCKS)
    best: dict[tuple[int, int], int] = {}
    for row in np.flatnonzero(good).tolist():
        i, j = (int(number) for number in nominated[row, :2])
        key = (min(i, j), max(i, j))
        if key not in best or found.fine[row] > found.fine[best[key]]:
            best[key] = row
    return [
        Twin(
            first=first,
            second=second,
            mirrored=bool(nominated[row, 3]),
            distance=round(max(0.0, 1.0 - float(found.fine[row])), 4),
            kept=round(min(1.0, float(found.kept[row])), 2),
            edited=not bool(whole[row]),
        )
        for (first, second), row in sorted(best.items())
    ]
