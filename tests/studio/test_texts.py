"""Which language a browser gets."""

from __future__ import annotations

import pytest

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
