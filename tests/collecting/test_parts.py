"""The parts of collecting, each alone: licences, cleaning, triage, ledger, politeness, sources."""

from __future__ import annotations

import math
import threading
import time
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, PngImagePlugin

from mien.audits.facts import blur
from mien.collecting import Browser, Manners, Unusable, copies
from mien.collecting.cleaning import check_type, clean
from mien.collecting.connection import read_retry_after, user_agent
from mien.collecting.copies import Copy, CopyIndex, Newcomer, look_at
from mien.collecting.ledger import (
    SourceLine,
    Tombstone,
    add_tombstones,
    credits_text,
    join_groups,
    read_sources,
    read_tombstones,
    split_groups,
    write_sources,
)
from mien.collecting.licences import (
    allows,
    code_of,
    duties,
    licence_page,
    parse_licence,
    wanted_codes,
)
from mien.collecting.politeness import Robots, Schedule
from mien.collecting.records import Reason
from mien.collecting.sources import SOURCES, SourceContext
from mien.collecting.sources.base import text_of, url_of
from mien.collecting.triage import flatness, text_rows, triage
from mien.dataset.drawn.faults import spoil, twin
from mien.errors import DatasetError, UserError
from mien.image.decode import decode
from mien.records import Face


def centre(image: np.ndarray) -> list[Face]:
    h, w = image.shape[:2]
    return [Face(xyxy_px=(0.22 * w, 0.2 * h, 0.78 * w, 0.8 * h), confidence=1.0)]


# Licences.


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


# Cleaning.

SECRETS = (b"SECRET", b"\x88\x25")  # text of ours, and the tag of the GPS directory


def with_metadata(kind: str, *, orientation: int = 1) -> bytes:
    noise = np.random.default_rng(0).integers(0, 255, (48, 64, 3), dtype=np.uint8)
    image = Image.fromarray(noise)
    exif = Image.Exif()
    exif[0x0112] = orientation
    exif[0x010F] = "SECRET maker"
    exif[0xA430] = "SECRET owner"
    exif.get_ifd(0x8825)[2] = (52.0, 30.0, 0.0)
    out = BytesIO()
    more: dict[str, object] = {}
    if kind == "PNG":
        info = PngImagePlugin.PngInfo()
        info.add_text("Author", "SECRET")
        more["pnginfo"] = info
    if kind == "JPEG":
        more |= {"comment": b"SECRET", "quality": 90, "icc_profile": b"profile" * 30}
    if kind == "WEBP":
        more |= {"xmp": b"<x>SECRET</x>", "lossless": True}
    image.save(out, kind, exif=exif, **more)
    return out.getvalue() + (b"SECRET trailer" if kind == "JPEG" else b"")


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize("keep", ["original", "clean"])
@pytest.mark.parametrize("orientation", [1, 6])
def test_position_and_owner_never_reach_what_is_kept(
    kind: str, keep: str, orientation: int
) -> None:
    data = with_metadata(kind, orientation=orientation)
    assert SECRETS[0] in data
    cleaned = clean(data, keep=keep)  # type: ignore[arg-type]
    assert SECRETS[0] not in cleaned.data
    with Image.open(BytesIO(cleaned.data)) as image:
        tags = dict(image.getexif())
        assert set(tags) <= {0x0112}
        assert not image.getexif().get_ifd(0x8825)
        assert not {"comment", "xmp", "Author"} & set(image.info)
    # The kept file shows what the fetched one showed, upright.
    kept = decode(cleaned.data)
    from mien.image.preprocessing import upright_pixels

    difference = np.abs(upright_pixels(kept).astype(int) - cleaned.pixels.astype(int))
    lossless = cleaned.edits == "metadata removed" or cleaned.ending == ".png"
    assert difference.max() == 0 if lossless else difference.mean() < 6
    assert cleaned.pixels.shape[:2] == ((64, 48) if orientation == 6 else (48, 64))


def test_a_thumbnail_in_the_head_of_a_jpeg_goes_too() -> None:
    # JFIF may hold a small picture of what was there before somebody cropped it.
    data = with_metadata("JPEG")
    jfif = b"JFIF\0\1\2\0\0\1\0\1\2\2" + b"SECRETSECRET"
    jfxx = b"JFXX\0\x13" + b"SECRETSECRETSECRET"
    heads = b"".join(
        b"\xff\xe0" + (len(body) + 2).to_bytes(2, "big") + body for body in (jfif, jfxx)
    )
    size = int.from_bytes(data[4:6], "big")
    assert data[2:4] == b"\xff\xe0"
    cleaned = clean(data[:2] + heads + data[4 + size :], keep="original")
    assert b"SECRET" not in cleaned.data
    assert cleaned.data[2:11] == b"\xff\xe0\0\x10JFIF\0"
    assert np.array_equal(decode(cleaned.data).pixels, decode(data).pixels)


@pytest.mark.parametrize("keep", ["original", "clean"])
def test_what_cameras_and_programs_write_beside_the_picture_goes(keep: str) -> None:
    # XMP, IPTC and a thumbnail in EXIF of a JPEG; a comment in a GIF; text and time in a PNG.
    noise = Image.fromarray(np.random.default_rng(1).integers(0, 255, (40, 40, 3), dtype=np.uint8))
    jpeg = BytesIO()
    noise.save(jpeg, "JPEG", quality=90, xmp=b"<x:xmpmeta>SECRET place</x:xmpmeta>")
    iptc = b"Photoshop 3.0\x008BIM\x04\x04\0\0\0\0\0\x0cSECRET city"
    exif = b"Exif\0\0MM\0*\0\0\0\x08\0\0" + b"SECRET thumbnail \xff\xd8\xff\xd9"
    more = b"".join(
        bytes((0xFF, marker)) + (len(body) + 2).to_bytes(2, "big") + body
        for marker, body in ((0xED, iptc), (0xE1, exif), (0xE2, b"MPF\0SECRET"), (0xEC, b"SECRET"))
    )
    gif = BytesIO()
    noise.quantize(32).save(gif, "GIF", comment=b"SECRET owner")
    info = PngImagePlugin.PngInfo()
    info.add_itxt("XML:com.adobe.xmp", "SECRET", zip=False)
    info.add_text("Software", "SECRET", zip=True)
    png = BytesIO()
    noise.save(png, "PNG", pnginfo=info)
    for data in (jpeg.getvalue()[:2] + more + jpeg.getvalue()[2:], gif.getvalue(), png.getvalue()):
        cleaned = clean(data, keep=keep)  # type: ignore[arg-type]
        with Image.open(BytesIO(cleaned.data)) as kept:
            said = repr(kept.info)
        assert b"SECRET" not in cleaned.data
        assert "SECRET" not in said
        assert cleaned.edits != "none"


def test_the_colour_profile_stays_and_the_edit_is_recorded() -> None:
    cleaned = clean(with_metadata("JPEG"), keep="original")
    assert b"ICC_PROFILE" in cleaned.data
    assert (cleaned.edits, cleaned.ending) == ("metadata removed", ".jpg")
    again = clean(cleaned.data, keep="original")
    assert (again.data, again.edits) == (cleaned.data, "none")
    assert clean(with_metadata("JPEG"), keep="clean").edits.startswith("encoded anew as JPEG")
    assert clean(with_metadata("TIFF"), keep="original").edits.startswith("encoded anew as PNG")


def test_a_progressive_jpeg_keeps_all_its_scans() -> None:
    noise = np.random.default_rng(1).integers(0, 255, (40, 40, 3), dtype=np.uint8)
    out = BytesIO()
    Image.fromarray(noise).save(out, "JPEG", progressive=True, comment=b"SECRET")
    cleaned = clean(out.getvalue(), keep="original")
    assert b"SECRET" not in cleaned.data
    assert np.array_equal(decode(cleaned.data).pixels, decode(out.getvalue()).pixels)


@pytest.mark.parametrize("data", [b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"RIFF\0\0\0\0WEBP"])
def test_a_broken_picture_is_named_so(data: bytes) -> None:
    with pytest.raises(Unusable) as caught:
        clean(data, keep="original")
    assert caught.value.reason == "broken picture"


@pytest.mark.parametrize(
    ("data", "stated", "reason"),
    [
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "image/svg+xml", "not a picture"),
        (b"<html>", "text/html", "not a picture"),
        (b"alert(1)", "application/javascript", "not a picture"),
        (b"<html>", "image/jpeg", "lying type"),
        (b"\xff\xd8\xff\xe0" + bytes(40), "image/png", "lying type"),
        (b"GIF89a" + bytes(40), "text/html", "lying type"),
        (b"", "image/jpeg", "lying type"),
    ],
)
def test_stated_type_and_magic_bytes_must_agree(data: bytes, stated: str, reason: str) -> None:
    with pytest.raises(Unusable) as caught:
        check_type(data, content_type=stated)
    assert caught.value.reason == reason


def test_a_type_that_says_nothing_cannot_lie() -> None:
    jpeg = b"\xff\xd8\xff\xe0" + bytes(40)
    for stated in ("", "application/octet-stream", "image/jpeg", "image/jpg"):
        assert check_type(jpeg, content_type=stated) == "jpeg"


# Triage.


def reason_for(pixels: np.ndarray, find_faces=centre) -> str:
    with pytest.raises(Unusable) as caught:
        triage(pixels, faces=find_faces(pixels))
    return caught.value.reason


def test_a_sound_photo_passes_and_each_fault_has_its_name(drawn: list[bytes]) -> None:
    pixels = decode(drawn[0]).pixels
    assert triage(pixels, faces=centre(pixels)).confidence == 1.0
    rng = np.random.default_rng(0)
    for kind, reason in (
        ("blurred", "blurred"), ("banners", "text over the face"), ("dark", "dark"),
        ("overexposed", "overexposed"),
    ):  # fmt: skip
        assert reason_for(decode(spoil(rng, drawn[0], kind=kind)).pixels) == reason
    flat = (pixels // 64 * 64)[::4, ::4].repeat(8, 0).repeat(8, 1)
    assert reason_for(np.ascontiguousarray(flat)) == "drawn"


def test_faces_are_counted_by_their_size(drawn: list[bytes]) -> None:
    pixels = decode(drawn[0]).pixels
    big = centre(pixels)[0]
    tiny = Face(xyxy_px=(0, 0, 12, 12), confidence=1.0)
    outside = Face(xyxy_px=(400, 400, 500, 500), confidence=1.0)
    assert triage(pixels, faces=[big, tiny]) == big
    assert reason_for(pixels, lambda _: [big, big]) == "several faces"
    assert reason_for(pixels, lambda _: []) == "no face"
    assert reason_for(pixels, lambda _: [tiny]) == "small"
    assert reason_for(pixels, lambda _: [outside]) == "no face"


def test_measures_of_triage_are_bounded_and_ordered() -> None:
    noise = np.random.default_rng(0).uniform(0, 255, (96, 96)).astype(np.float32)
    ramp = np.tile(np.linspace(0, 255, 96, dtype=np.float32), (96, 1))
    assert blur(noise / 255) < 0.5
    assert blur(ramp / 255) > 0.9
    stripes = np.tile(np.repeat([0, 255], 2), (96, 24)).astype(np.float32)
    assert text_rows(stripes) == 96
    assert text_rows(ramp) == 0
    even = np.full((50, 50, 3), 128, np.uint8)
    assert flatness(even) == 1.0
    assert flatness(np.zeros((50, 50, 3), np.uint8)) == 0.0


# Copies.


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


# The ledger.


def line(**values: str) -> SourceLine:
    return SourceLine(**{"path": "a/1.jpg", "sha256": "0" * 64, "source": "commons", "url": "u",
                         **values})  # fmt: skip


def test_the_ledger_comes_back_as_it_was_written(tmp_path: Path) -> None:
    lines = [line(title='=HYPERLINK("x")', creator="Søren, “the” 한국"), line(path="a/0.jpg")]
    write_sources(tmp_path, lines)
    assert read_sources(tmp_path) == sorted(lines, key=lambda s: s.path)
    text = (tmp_path / "sources.csv").read_text(encoding="utf-8")
    assert "'=HYPERLINK" in text  # a spreadsheet must not run it
    assert read_sources(tmp_path / "nowhere") == []


def test_a_ledger_without_its_columns_is_refused(tmp_path: Path) -> None:
    (tmp_path / "sources.csv").write_text("name\nx\n")
    with pytest.raises(DatasetError, match="no column 'path'"):
        read_sources(tmp_path)
    (tmp_path / "sources.csv").write_bytes(b"path,sha256\n\xff\n")
    with pytest.raises(DatasetError, match="not UTF-8"):
        read_sources(tmp_path)


def test_tombstones_are_added_once(tmp_path: Path) -> None:
    stone = Tombstone(sha256="a", fetched_sha256="b", url_sha256="c", forgotten_at="now")
    file = tmp_path / "forgotten.csv"
    add_tombstones(file, [stone])
    add_tombstones(file, [stone])
    assert read_tombstones(tmp_path) == read_tombstones(file) == [stone]


def test_groups_survive_their_cell() -> None:
    groups = {"skin": "brown", "gender": "woman"}
    assert split_groups(join_groups(groups)) == groups
    assert split_groups("") == {}


def test_credits_name_title_creator_licence_and_place() -> None:
    text = credits_text([
        line(title="Smile", creator="Jo", licence="by-sa 4.0", licence_url="https://l",
             landing_page="https://p", edits="metadata removed"),
        line(path="b/2.jpg"),
    ])  # fmt: skip
    first, second = text.splitlines()
    for part in ("“Smile” by Jo", "CC BY-SA 4.0 <https://l>", "https://p", "metadata removed"):
        assert part in first
    assert "unknown creator, no licence stated" in second
    assert credits_text([]) == ""


# Politeness.


def test_retry_after_is_read_in_both_forms() -> None:
    assert read_retry_after("7", now=0) == 7
    assert read_retry_after("Thu, 01 Jan 1970 00:01:00 GMT", now=10) == 50
    assert read_retry_after("Thu, 01 Jan 1970 00:00:01 GMT", now=10) == 0
    assert read_retry_after("soon", now=0) is None
    assert read_retry_after("-1", now=0) is None


def test_the_user_agent_has_no_line_breaks() -> None:
    assert "\n" not in user_agent("me@example.org\r\nX: y")
    assert "me@example.org" in user_agent("me@example.org")


def test_robots_rules_are_read_once_and_for_us_first() -> None:
    asked = []

    def get(url: str) -> bytes:
        asked.append(url)
        return b"User-agent: mien\nDisallow: /private/\n\nUser-agent: *\nDisallow: /\n"

    robots = Robots(get)
    assert robots.allows("https://a.example/x.jpg")
    assert not robots.allows("https://a.example/private/x.jpg")
    assert asked == ["https://a.example/robots.txt"]


def test_a_missing_robots_txt_allows_all() -> None:
    def get(url: str) -> bytes:
        raise Unusable("not found", url)

    assert Robots(get).allows("https://a.example/x")


@pytest.mark.parametrize("reason", ["server error", "timed out", "no connection", "throttled"])
def test_a_robots_txt_that_cannot_be_reached_forbids_for_now_and_is_asked_again(
    reason: Reason,
) -> None:
    answers: list[bytes | None] = [None, b""]
    now = [0.0]

    def get(url: str) -> bytes:
        answer = answers.pop(0)
        if answer is None:
            raise Unusable(reason, "no luck", retry_after_s=1.0)
        return answer

    robots = Robots(get, clock=lambda: now[0])
    for _ in range(3):  # asked once, not again before its time
        with pytest.raises(Unusable, match="cannot be read: no luck") as refused:
            robots.allows("https://a.example/x")
        assert (refused.value.reason, refused.value.retry_after_s) == ("robots.txt", 2.0)
    now[0] = 2.0
    assert robots.allows("https://a.example/x")


def test_a_robots_txt_that_never_answers_is_left_for_another_run() -> None:
    asked, now = [], [0.0]

    def get(url: str) -> bytes:
        asked.append(url)
        raise Unusable("timed out", "too slow", retry_after_s=2.0)

    robots = Robots(get, clock=lambda: now[0])
    waits = []
    for _ in range(6):
        with pytest.raises(Unusable) as refused:
            robots.allows("https://a.example/x")
        waits.append(refused.value.retry_after_s)
        now[0] += 10.0
    assert waits == [2.0, 4.0, *[math.inf] * 4]
    assert len(asked) == 3


def test_a_schedule_spaces_a_host_and_serves_others_meanwhile() -> None:
    schedule: Schedule[str] = Schedule(Manners(at_once=2, per_second=20))
    for i in range(3):
        schedule.put(f"a{i}", host="a")
    schedule.put("b0", host="b")
    began = time.monotonic()
    taken = []
    for _ in range(4):
        job = schedule.take()
        assert job is not None
        taken.append(job[0])
        schedule.finish(job[1])
    assert taken[:2] == ["a0", "b0"]
    assert time.monotonic() - began >= 2 / 20
    assert len(schedule) == 0


def test_a_job_comes_again_after_its_wait_and_a_resting_host_waits() -> None:
    schedule: Schedule[str] = Schedule(Manners(per_second=None))
    schedule.put("a", host="h")
    job, host = schedule.take() or ("", "")
    schedule.again(job, host=host, after_s=0.05)
    schedule.rest("h", for_s=0.1)
    began = time.monotonic()
    assert schedule.take() == ("a", "h")
    assert time.monotonic() - began >= 0.09


def test_closing_a_schedule_sends_everybody_home() -> None:
    schedule: Schedule[str] = Schedule(Manners())
    answers: list[object] = []
    thread = threading.Thread(target=lambda: answers.append(schedule.take()))
    thread.start()
    schedule.close()
    thread.join(2)
    assert answers == [None]


# Sources.


def candidates(name: str, query: str):
    context = SourceContext(browser=Browser())
    return list(SOURCES[name].search(query, context))


def test_a_file_of_urls_may_be_lines_or_a_table(tmp_path: Path) -> None:
    file = tmp_path / "urls.txt"
    file.write_text("# mine\nhttps://a.example/1.jpg # first\n\nfile:///etc/passwd\n"
                    "https://a.example/1.jpg\nhttp://a.example/2.jpg\n")  # fmt: skip
    assert [c.url for c in candidates("urls", str(file))] == [
        "https://a.example/1.jpg", "http://a.example/2.jpg",
    ]  # fmt: skip
    file.write_text("URL,creator,licence\nhttps://a.example/1.jpg,<b>Jo</b>,CC BY 4.0\n")
    (only,) = candidates("urls", str(file))
    assert (only.creator, only.licence) == ("Jo", "by 4.0")


def test_files_that_are_none_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="cannot read the file of URLs"):
        candidates("urls", str(tmp_path / "none.txt"))
    (tmp_path / "empty.txt").write_text("nothing\n")
    with pytest.raises(UserError, match="holds no http"):
        candidates("urls", str(tmp_path / "empty.txt"))
    with pytest.raises(UserError, match="is no folder"):
        candidates("folder", str(tmp_path / "empty.txt"))


def test_text_of_strangers_is_text() -> None:
    assert text_of("<script>x</script>A&lt;b&gt;\u202e\n") == "x A<b>"
    assert text_of(None) == text_of(7) == ""
    assert len(text_of("a" * 10_000)) == 300
    assert url_of("//a.example/x") == "https://a.example/x"
    assert url_of("javascript:alert(1)") == url_of(None) == ""


@pytest.mark.network
@pytest.mark.parametrize("fault", ["maxlag once", "ratelimited once"])
def test_commons_is_waited_for_when_its_databases_lag(web, fault: str) -> None:
    paused: list[float] = []
    browser = Browser(allow_local=True)
    with web.Server(pictures=[web.Picture(name="a.jpg", data=b"x")], api_fault=fault) as server:
        context = SourceContext(browser=browser, base_url=server.url, pause=paused.append)
        (found,) = SOURCES["commons"].search("x", context)
    browser.close()
    assert (found.licence, found.creator, paused) == ("by 4.0", "Jo Example", [5.0])
    assert found.landing_page == "https://commons.example/wiki/File:a.jpg"
