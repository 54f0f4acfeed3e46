"""Licences of pictures: read from what sources state, compared with what the user wants.

A licence is a code and perhaps a version, such as ``"by-sa 4.0"``; codes are those of Creative
Commons, ``"cc0"``, ``"pdm"`` (public domain mark) and ``"pd"`` (public domain for another reason).
What is not understood is kept as the source wrote it and passes no filter: silence is no licence.
Knows the law only as far as the licences' own words go; it gives no advice.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from mien.errors import UserError

CODES: Final = ("cc0", "pdm", "pd", "by", "by-sa", "by-nc", "by-nd", "by-nc-sa", "by-nc-nd")

_USES: Final[dict[str, tuple[str, ...]]] = {
    # What people want to do, and the codes whose terms allow it.
    "public-domain": ("cc0", "pdm", "pd"),
    "commercial": ("cc0", "pdm", "pd", "by", "by-sa", "by-nd"),
    "modification": ("cc0", "pdm", "pd", "by", "by-sa", "by-nc", "by-nc-sa"),
    "any": CODES,
}
_URL: Final = re.compile(
    r"creativecommons\.org/(?:licenses/(?P<code>[a-z-]+)|publicdomain/(?P<public>zero|mark))"
    r"(?:/(?P<version>\d\.\d))?"
)
# The code, perhaps versions ("4.0-3.0-2.5", the first counts) and a country or "unported". Whole
# words only: "by permission" is no licence. A lone "0" is none either, "cc0" and "zero" are.
_WORDS: Final = re.compile(
    r"(?:cc[\s-]*(?P<zero>0)|(?:cc[\s-]*)?(?P<code>by(?:-(?:nc|sa|nd)){0,2}|zero))"
    r"(?:[\s-]*(?P<version>\d\.\d)(?:[,-]\s?\d\.\d)*\+?)?"
    r"(?:[\s-]+(?:[a-z]{2,3}|unported|international|generic|deed|universal))*"
)
_NAMES: Final = {"zero": "cc0", "0": "cc0", "mark": "pdm"}


def parse_licence(text: str) -> str:
    """Read a licence as a source or a web page writes it.

    Returns:
        ``"CODE"`` or ``"CODE VERSION"``; the text itself where it is not understood.

    Example:
        >>> parse_licence("CC BY-SA 4.0"), parse_licence("cc0"), parse_licence("Public domain")
        ('by-sa 4.0', 'cc0', 'pd')
        >>> parse_licence("https://creativecommons.org/licenses/by-nc/2.0/")
        'by-nc 2.0'
    """
    words = " ".join(text.lower().replace("_", "-").split())
    if found := _URL.search(words):
        code = _NAMES.get(found["public"] or "", found["code"] or "")
        return _joined(code, found["version"]) if code in CODES else text
    if words in ("pdm", "cc pdm", "public domain mark", "cc pdm 1.0", "pdm 1.0"):
        return "pdm 1.0" if words.endswith("1.0") else "pdm"
    if words in ("pd", "no restrictions") or words.startswith(("public domain", "pd-", "pd ")):
        return "pd"
    if found := _WORDS.fullmatch(words):
        word = found["code"] or found["zero"]
        code = _NAMES.get(word, word)
        return _joined(code, found["version"]) if code in CODES else text
    return text


def wanted_codes(words: Sequence[str]) -> frozenset[str]:
    """The codes that a user's filter lets pass.

    Args:
        words: Codes and uses, such as ``("by", "cc0")`` or ``("commercial", "modification")``.
            Codes add up; uses narrow each other down: a picture must allow all of them.

    Raises:
        UserError: A word is neither.

    Example:
        >>> sorted(wanted_codes(["commercial", "modification"]))
        ['by', 'by-sa', 'cc0', 'pd', 'pdm']
    """
    codes = {word for word in words if word in CODES}
    uses = [word for word in words if word in _USES]
    for word in words:
        if word not in CODES and word not in _USES:
            known = ", ".join((*_USES, *CODES))
            raise UserError(f"licence '{word}' is unknown", f"Choose from: {known}.")
    allowed = set(CODES)
    for use in uses:
        allowed &= set(_USES[use])
    return frozenset(codes & allowed if codes and uses else codes or allowed)


def allows(licence: str, wanted: frozenset[str] | None) -> bool:
    """Whether a licence passes a filter; without a filter everything does."""
    return wanted is None or code_of(licence) in wanted


def code_of(licence: str) -> str:
    """The code without its version, empty where the licence is not understood."""
    code = licence.partition(" ")[0]
    return code if code in CODES else ""


def duties(licence: str) -> str:
    """What the licence asks of whoever passes the photo on, in words.

    Example:
        >>> duties("by-nd 2.0")
        'name the creator; do not pass on changed versions'
    """
    code = code_of(licence)
    if not code:
        return "not known: ask the creator"
    asked = []
    if code.startswith("by"):
        asked.append("name the creator")
    if "-sa" in code:
        asked.append("pass on changed versions under the same licence")
    if "-nd" in code:
        asked.append("do not pass on changed versions")
    if "-nc" in code:
        asked.append("no commercial use")
    return "; ".join(asked) or "nothing"


def licence_page(licence: str) -> str:
    """The web page with a licence's terms, empty where there is none to name."""
    code, _, version = licence.partition(" ")
    if code == "cc0":
        return "https://creativecommons.org/publicdomain/zero/1.0/"
    if code == "pdm":
        return "https://creativecommons.org/publicdomain/mark/1.0/"
    if code in CODES and code.startswith("by"):
        return f"https://creativecommons.org/licenses/{code}/{version or '4.0'}/"
    return ""


def _joined(code: str, version: str | None) -> str:
    return f"{code} {version}" if version else code
