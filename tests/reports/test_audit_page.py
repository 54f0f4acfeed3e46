"""The page of an audit: complete, self-contained, safe, and readable without eyes."""

import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mien.audits.findings import Finding, Pair
from mien.audits.tables import Table, collect_next
from mien.audits.view import Part
from mien.files import nfc
from mien.records import Dataset, Photo
from mien.reports.audit_page import audit_page, write_audit_page
from mien.reports.auditing import print_audit
from mien.workflows.audit import AuditRecord

NAMES = ("행복한/서양여자4.jpg", "슬픈/동양남자1.jpg", "슬픈/<script>alert(1)</script>.jpg")


def findings() -> tuple[Finding, ...]:
    def one(code: str, outcome: str, **more: object) -> Finding:
        return Finding(
            code=code, severity="high", outcome=outcome, title=f"Title {code}",
            sentence=f"Sentence {code}.", **more,
        )  # fmt: skip

    pair = Pair(
        first=NAMES[0], second=NAMES[1], first_in="train", second_in="test", how="mirrored",
        distance=0.01,
    )  # fmt: skip
    ranked = {
        "photo": NAMES[0], "label": "행복한", "thinks": "슬픈", "prob_label": 0.1,
        "prob_thinks": 0.8, "sd": 0.05, "suspected_in": 1.0, "chance_wrong": 0.7,
    }  # fmt: skip
    target = {"score": 0.9, "low": 0.8, "high": 0.95, "chance": 0.5, "p": 0.005, "n": 40}
    separable = {"classes": ["행복한", "슬픈"], "told_apart": 0.5, "low": 0.4, "high": 0.6, "n": 9}
    return (
        one("M101", "issue", details={"reasons": {"x.jpg": "is <empty>"}}),
        one("M108", "issue", photos=(NAMES[2],), test_photos=(NAMES[1],)),
        one("M305", "issue", pairs=(pair,) * 20, test_photos=(NAMES[1],)),
        one("M402", "hint", photos=(NAMES[0],), details={"ranked": [ranked]}),
        one("M403", "hint", details={"pairs": [separable]}),
        one("M504", "issue", details={"targets": {"class": target}}),
        one("M301", "passed"),
        one("M701", "skipped"),
    )


@pytest.fixture
def page(tmp_path: Path) -> str:
    rng = np.random.default_rng(0)
    photos = []
    for i, name in enumerate(NAMES):
        path = tmp_path / f"{i}.jpg"
        exif = Image.Exif()
        exif[0x010F] = "SECRET-CAMERA"
        pixels = rng.integers(0, 256, (60, 80, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(path, exif=exif)
        photos.append(Photo(path=path, name=name, sha256=str(i), label=name.split("/")[0]))
    none = np.zeros((0, 1), dtype=np.float32)
    part = Part(
        dataset=Dataset(root=tmp_path, classes=("행복한", "슬픈"), photos=tuple(photos)),
        facts=(), faces=(), embedded=np.zeros(0, dtype=int), embeddings=none,
    )  # fmt: skip
    table = Table(rows=("행복한", "슬픈"), columns=("man", "woman"), counts=((3, 4), (9, 9)))
    record = AuditRecord(
        photos="photos", test_photos="test", recipe="expression", n_photos=25, n_test=3,
        n_embedded=0, table=table, findings=findings(), collect_next=collect_next(table),
        splits=None, expected=None, rejects=(),
    )  # fmt: skip
    print_audit(record)
    write_audit_page(tmp_path / "page.html", record=record, parts={"train": part, "test": part})
    text = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert text == audit_page(record, parts={"train": part, "test": part})
    return text


class Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))


def tags(page: str) -> list[tuple[str, dict[str, str | None]]]:
    reader = Reader()
    reader.feed(page)
    return reader.tags


def test_nothing_is_loaded_from_elsewhere_and_no_script_runs(page):
    assert not any(tag in ("script", "link", "iframe", "object", "embed") for tag, _ in tags(page))
    for _, attributes in tags(page):
        for name in ("src", "href"):
            assert (attributes.get(name) or "data:").startswith(
                ("data:image/jpeg;base64,", "data:", "#")
            )
    assert "url(" not in page
    assert "@import" not in page


def test_names_are_escaped_and_korean_is_kept(page):
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)" in page
    assert nfc(NAMES[0]) in page
    assert "is &lt;empty&gt;" in page
    assert '<meta charset="utf-8">' in page


def test_no_exif_reaches_the_page(page):
    import base64

    for data in re.findall(r"data:image/jpeg;base64,([A-Za-z0-9+/=]+)", page):
        assert b"SECRET" not in base64.b64decode(data)
        assert b"Exif" not in base64.b64decode(data)


def test_every_picture_has_words_and_every_table_has_headings(page):
    pictures = [attributes for tag, attributes in tags(page) if tag == "img"]
    assert pictures
    assert all(attributes.get("alt") for attributes in pictures)
    assert all(attributes.get("scope") for tag, attributes in tags(page) if tag == "th")
    assert '<html lang="en">' in page
    assert 'name="viewport"' in page


def test_every_finding_is_on_the_page_and_long_lists_are_cut(page):
    for finding in findings():
        assert finding.sentence in page
    assert page.count('class="pair"') == 16
    assert "and 4 more pairs" in page


def test_pairs_say_on_which_side_each_photo_lies(page):
    assert '<span class="side">training</span>' in page
    assert '<span class="side">test</span>' in page
