"""Which pictures are copies of one that is there, when many come at once."""

from __future__ import annotations

import numpy as np
import pytest

from mien.collecting import copies
from mien.collecting.copies import Copy, CopyIndex, Newcomer, look_at
from mien.dataset.drawn.faults import twin
from mien.image.decode import decode


def test_different_people_are_no_copies_and_a_name_is_given_for_one(drawn: list[bytes]) -> None:
    index = CopyIndex()
    for i, data in enumerate(drawn):
        assert index.admit([newcomer(str(i), data)], claim=lambda: True) == [True]
    assert len(index) == len(drawn)
    mirror = Newcomer(name="m", look=look_at(decode(drawn[7]).pixels[:, ::-1].copy()))
    assert index.admit([mirror], claim=lambda: True) == [Copy(of="7", mirrored=True)]
    for i in range(300):  # the arrays grow
        index.add(f"x{i}", look_at(decode(drawn[0]).pixels) if i == 0 else _LOOK)
    assert len(index) == len(drawn) + 300


def newcomer(name: str, data: bytes) -> Newcomer:
    return Newcomer(name=name, look=look_at(decode(data).pixels))


def test_what_finds_no_room_is_not_taken_for_the_original_of_a_copy(drawn: list[bytes]) -> None:
    index = CopyIndex()
    assert index.admit([newcomer("full", drawn[0])], claim=lambda: False) == [False]
    assert len(index) == 0
    assert index.admit([newcomer("first", drawn[0])], claim=lambda: True) == [True]
    again = index.admit([newcomer("again", drawn[0])], claim=lambda: True)
    assert again == [Copy(of="first", mirrored=False)]


def test_of_copies_that_come_at_the_same_moment_the_first_with_room_is_kept(
    drawn: list[bytes],
) -> None:
    index, room = CopyIndex(), iter([False, True, True, True, True])
    some = [
        newcomer(f"{i % 4}-{i}", twin(drawn[i % 4], kind="reencoded") if i else drawn[0])
        for i in range(20)
    ]
    verdicts = index.admit(some, claim=lambda: next(room))
    assert verdicts[:5] == [False, True, True, True, True]
    assert verdicts[5:] == [Copy(of=some[i % 4 or 4].name, mirrored=False) for i in range(5, 20)]
    assert len(index) == 4
    assert index.admit([], claim=lambda: True) == []


def test_more_at_once_than_there_was_place_for_are_admitted(
    drawn: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(copies, "_GROW", 2)
    index, some = CopyIndex(), [newcomer(str(i), drawn[i]) for i in range(5)]
    assert index.admit(some, claim=lambda: True) == [True] * 5
    assert index.admit(some[-1:], claim=lambda: True) == [Copy(of="4", mirrored=False)]


_LOOK = look_at(np.random.default_rng(0).integers(0, 255, (64, 64, 3), dtype=np.uint8))
