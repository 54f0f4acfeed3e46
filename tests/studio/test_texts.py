"""Which language a browser gets."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import mien
from mien.studio.texts import choose, say


@pytest.mark.parametrize(
    ("cookie", "accepted", "language"),
    [
        (None, "", "en"),
        (None, "ko", "ko"),
        (None, "ko-KR,ko;q=0.9,en;q=0.8", "ko"),
        (None, "en-US,ko;q=0.9", "en"),
        (None, "en;q=0.1,ko;q=0.2", "ko"),
        (None, "fr,de;q=0.5", "en"),
        (None, "ko;q=strange,*;q=0.1", "en"),
        ("ko", "en", "ko"),
        ("klingon", "en", "en"),
    ],
)
def test_the_users_choice_goes_before_the_browsers(
    cookie: str | None, accepted: str, language: str
) -> None:
    assert choose(cookie=cookie, accepted=accepted) == language


def test_placeholders_are_filled_in() -> None:
    assert say("en", "collect.n_photos", n=3) == "3 photos"


@pytest.mark.parametrize(
    ("n", "words"),
    [("1", "1 photo deleted"), (0, "0 photos deleted"), ("1,001", "1,001 photos deleted")],
)
def test_one_is_not_said_as_many(n: object, words: str) -> None:
    assert say("en", "grid.deleted", n=n) == words


@pytest.mark.parametrize(
    "name",
    ["studio/texts/ko", "studio/texts/said.ko", "reports/texts/said.ko", "reports/texts/page.ko"],
)
def test_no_korean_text_leaves_the_particle_to_its_reader(name: str) -> None:
    text = (Path(mien.__path__[0]) / f"{name}.json").read_text("utf-8")
    assert not re.findall(r".{0,20}(?:\([가이은는을를와과으]\)|[가은를과]\([가-힣]\)).{0,20}", text)
