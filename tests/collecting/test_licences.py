"""What may be done with a picture, read from what is stated of it."""

from __future__ import annotations

import pytest

from mien.collecting.licences import (
    allows,
    code_of,
    duties,
    licence_page,
    parse_licence,
    wanted_codes,
)
from mien.errors import UserError


@pytest.mark.parametrize(
    ("stated", "read"),
    [
        ("CC BY 4.0", "by 4.0"),
        ("by-sa 2.0", "by-sa 2.0"),
        ("CC BY-NC-ND 3.0 de", "by-nc-nd 3.0"),
        ("CC0", "cc0"),
        ("cc0 1.0", "cc0 1.0"),
        ("Public domain", "pd"),
        ("PD-USGov", "pd"),
        ("No restrictions", "pd"),
        ("pdm 1.0", "pdm 1.0"),
        ("https://creativecommons.org/licenses/by-sa/3.0/deed.en", "by-sa 3.0"),
        ("http://creativecommons.org/publicdomain/zero/1.0/", "cc0 1.0"),
        ("http://creativecommons.org/publicdomain/mark/1.0/", "pdm 1.0"),
        ("CC BY-SA 4.0-3.0-2.5", "by-sa 4.0"),
        ("CC BY-SA 2.5,2.0,1.0", "by-sa 2.5"),
        ("CC BY 3.0 Unported", "by 3.0"),
        ("by permission of the artist", "by permission of the artist"),
        ("by-sa-like", "by-sa-like"),
        ("0 rights", "0 rights"),
        ("GFDL", "GFDL"),
        ("All rights reserved", "All rights reserved"),
        ("", ""),
        ("by-nd-sa 1.0", "by-nd-sa 1.0"),
    ],
)
def test_licences_are_read_as_they_are_written(stated: str, read: str) -> None:
    assert parse_licence(stated) == read


def test_a_filter_of_uses_narrows_and_a_filter_of_codes_adds_up() -> None:
    assert wanted_codes(["modification"]) & {"by-nd", "by-nc-nd"} == set()
    assert "by-nc" not in wanted_codes(["commercial"])
    assert wanted_codes(["by", "cc0"]) == {"by", "cc0"}
    assert wanted_codes(["by-nc", "by", "commercial"]) == {"by"}
    with pytest.raises(UserError, match="licence 'free' is unknown"):
        wanted_codes(["free"])


def test_silence_is_no_licence() -> None:
    assert allows("", None)
    assert not allows("", wanted_codes(["any"]))
    assert not allows("All rights reserved", wanted_codes(["any"]))
    assert allows("by-sa 4.0", wanted_codes(["any"]))


def test_duties_follow_the_letters_of_the_licence() -> None:
    assert duties("cc0") == "nothing"
    assert "same licence" in duties("by-sa 4.0")
    assert "no commercial use" in duties("by-nc 2.0")
    assert duties("GFDL") == "not known: ask the creator"
    assert licence_page("by-sa 2.0") == "https://creativecommons.org/licenses/by-sa/2.0/"
    assert licence_page("cc0").endswith("/zero/1.0/")
    assert licence_page("pdm").endswith("/mark/1.0/")
    assert (licence_page("GFDL"), code_of("GFDL")) == ("", "")
