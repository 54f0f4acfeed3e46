"""Collecting from a real server on loopback: every URL accounted for, once, whatever happens."""

from __future__ import annotations

import json
import sys
import time
import unicodedata
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from mien.collecting import (
    Browser,
    Gathered,
    Manners,
    Patience,
    Search,
    Unusable,
    ledger,
    politeness,
    running,
)
from mien.collecting.forgetting import forget
from mien.collecting.journal import JOURNAL_NAME, read_journal
from mien.collecting.ledger import Tombstone, add_tombstones, read_sources, url_digest
from mien.dataset.drawn.faults import twin
from mien.digest import digest_bytes
from mien.errors import FetchError, UserError
from mien.records import Face

SEARCH = Search(source="openverse", query="portrait", label="happy", groups={"gender": "man"})
pytestmark = pytest.mark.network


def catalogue(web: Any, drawn: list[bytes], **faults: str) -> list[Any]:
    pictures = [web.Picture(name=f"{i}.jpg", data=data) for i, data in enumerate(drawn[:6])]
    pictures += [
        web.Picture(name=f"{name}.jpg", data=drawn[6 + i % 6] + bytes(i), fault=fault)
        for i, (name, fault) in enumerate(faults.items())
    ]
    return pictures


def stems(tmp_path: Path) -> list[str]:
    return sorted(path.name for path in (tmp_path / "photos" / ".inbox").glob("*.jpg"))


def test_usable_photos_go_to_the_inbox_with_their_sources(
    web: Any, drawn: list[bytes], collecting: Any, tmp_path: Path
) -> None:
    with web.Server(pictures=catalogue(web, drawn)) as server, collecting(server) as collector:
        gathered = collector.run(SEARCH, limit=10)
    assert (gathered.asked, gathered.fetched, gathered.usable, gathered.dry) == (6, 6, 6, True)
    lines = read_sources(tmp_path / "photos")
    assert len(lines) == 6
    assert {line.path for line in lines} == {f".inbox/{name}" for name in stems(tmp_path)}
    for line in lines:
        data = (tmp_path / "photos" / line.path).read_bytes()
        assert line.sha256 == digest_bytes(data)
        assert (line.creator, line.licence, line.query) == ("Jo Example", "by 4.0", "portrait")
        assert line.landing_page.startswith("https://photos.example/")
        assert (line.label, line.groups, line.state) == ("happy", "gender=man", "undecided")
        assert line.tool.startswith("mien ")


def test_every_kind_of_failure_is_counted_under_its_reason(
    web: Any, drawn: list[bytes], collecting: Any
) -> None:
    faults = {
        "a": "fail", "b": "fail once", "c": "stall", "d": "lie", "e": "html", "f": "gone",
        "g": "throttle once", "h": "loop", "i": "cut", "j": "zip", "k": "to file:///etc/passwd",
    }  # fmt: skip
    with (
        web.Server(pictures=catalogue(web, drawn, **faults), retry_after="0") as server,
        collecting(server) as collector,
    ):
        gathered = collector.run(SEARCH, limit=100)
        asked = Counter(server.asked)
    assert gathered.asked == 17
    assert gathered.reasons == {
        "server error": 1, "timed out": 1, "lying type": 1, "not a picture": 2, "not found": 1,
        "refused address": 2, "no connection": 1,
    }  # fmt: skip
    assert gathered.usable == 8
    assert gathered.usable + sum(gathered.reasons.values()) == gathered.asked
    assert asked["/pictures/0.jpg"] == 1
    assert asked["/pictures/b.jpg"] == 2


def test_a_second_run_fetches_nothing_and_gives_the_same_counts(
    web: Any, drawn: list[bytes], collecting: Any
) -> None:
    with web.Server(pictures=catalogue(web, drawn, a="gone")) as server:
        with collecting(server) as collector:
            first = collector.run(SEARCH, limit=100)
        before = Counter(server.asked)
        with collecting(server) as collector:
            second = collector.run(SEARCH, limit=100)
        fetched = {path for path in server.asked - before if path.startswith("/pictures")}
    assert first == second
    assert fetched == set()


def test_copies_are_refused_whoever_offers_them(
    web: Any, drawn: list[bytes], collecting: Any
) -> None:
    pictures = [web.Picture(name="0.jpg", data=drawn[0])]
    kinds = ("copies", "reencoded", "resized", "cropped", "brightened", "mirrored")
    pictures += [web.Picture(name=f"{k}.jpg", data=twin(drawn[0], kind=k)) for k in kinds]
    pictures += [web.Picture(name="1.jpg", data=drawn[1])]
    with (
        web.Server(pictures=pictures) as server,
        collecting(server, workers=1) as collector,
    ):
        gathered = collector.run(SEARCH, limit=100)
    assert gathered.usable == 2
    assert gathered.reasons == {"copy": 5, "mirrored copy": 1}


def test_what_is_in_the_class_folders_counts_as_there(
    web: Any, drawn: list[bytes], collecting: Any, tmp_path: Path
) -> None:
    (tmp_path / "photos" / "sad").mkdir(parents=True)
    (tmp_path / "photos" / "sad" / "mine.jpg").write_bytes(twin(drawn[0], kind="mirrored"))
    with (
        web.Server(pictures=catalogue(web, drawn)[:2]) as server,
        collecting(server) as collector,
    ):
        gathered = collector.run(SEARCH, limit=100)
    assert gathered.reasons == {"mirrored copy": 1}
    detail = [line.detail for line in read_journal(tmp_path / "photos") if line.reason]
    assert detail == ["mirrored copy of sad/mine.jpg"]


def test_accepted_photos_go_to_their_class_with_their_groups(
    web: Any, drawn: list[bytes], collecting: Any, tmp_path: Path
) -> None:
    with (
        web.Server(pictures=catalogue(web, drawn)[:2]) as server,
        collecting(server, accept=True) as collector,
    ):
        collector.run(SEARCH, limit=100)
    photos = sorted((tmp_path / "photos" / "happy").glob("*.jpg"))
    assert len(photos) == 2
    table = (tmp_path / "photos" / "groups.csv").read_text().splitlines()
    assert table == ["path,gender", *(f"happy/{photo.name},man" for photo in photos)]
    assert {line.state for line in read_sources(tmp_path / "photos")} == {"kept"}


def test_a_target_is_never_passed_and_the_rest_is_left_for_later(
    web: Any, drawn: list[bytes], collecting: Any, tmp_path: Path
) -> None:
    with web.Server(pictures=catalogue(web, drawn)) as server:
        with collecting(server) as collector:
            gathered = collector.run(SEARCH, limit=100, target=2)
        assert gathered.usable == 2
        with collecting(server) as collector:
            assert collector.run(SEARCH, limit=100).usable == 6
    assert len(stems(tmp_path)) == 6


def test_the_limit_is_on_pictures_asked_for(web: Any, drawn: list[bytes], collecting: Any) -> None:
    with web.Server(pictures=catalogue(web, drawn)) as server, collecting(server) as collector:
        assert collector.run(SEARCH, limit=4).asked == 4


def test_triage_rejects_keep_their_reason(web: Any, drawn: list[bytes], collecting: Any) -> None:
    def nobody(_: Any) -> list[Face]:
        return []

    with (
        web.Server(pictures=catalogue(web, drawn)[:2]) as server,
        collecting(server, find_faces=nobody) as collector,
    ):
        gathered = collector.run(SEARCH, limit=100)
    assert (gathered.fetched, gathered.usable) == (2, 0)
    assert gathered.reasons == {"no face": 2}


def test_licences_that_were_not_asked_for_are_not_fetched(
    web: Any, drawn: list[bytes], collecting: Any
) -> None:
    pictures = catalogue(web, drawn)[:3]
    pictures[1].licence = "by-nd"
    pictures[2].licence = "by-sa"
    search = Search(source="commons", query="portrait")
    with (
        web.Server(pictures=pictures) as server,
        collecting(server, codes=frozenset({"by", "by-sa"})) as collector,
    ):
        gathered = collector.run(search, limit=100)
        assert server.asked["/pictures/1.jpg"] == 0
    assert (gathered.usable, gathered.reasons) == (2, {"licence": 1})


def test_robots_txt_is_heeded_for_pictures_and_not_for_the_api(
    web: Any, drawn: list[bytes], collecting: Any
) -> None:
    rules = (
        "User-agent: *\nDisallow: /v1/\nDisallow: /pictures/1\n\nUser-agent: other\nDisallow: /\n"
    )
    with (
        web.Server(pictures=catalogue(web, drawn)[:3], robots=rules) as server,
        collecting(server) as collector,
    ):
        gathered = collector.run(SEARCH, limit=100)
        assert server.asked["/robots.txt"] == 1
        assert server.asked["/pictures/1.jpg"] == 0
    assert (gathered.usable, gathered.reasons) == (2, {"robots.txt": 1})


@pytest.fixture
def robots_are_asked_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(politeness, "_ROBOTS_TRIES", 1)  # waits have a test of their own


@pytest.mark.usefixtures("robots_are_asked_once")
@pytest.mark.parametrize("answer", [500, "stall"])
def test_a_site_whose_robots_txt_fails_is_left_alone_until_a_later_run(
    web: Any, drawn: list[bytes], collecting: Any, tmp_path: Path, answer: int | str
) -> None:
    pictures = catalogue(web, drawn)[:2]
    with web.Server(pictures=pictures, robots=answer, stall_s=0.6) as server:
        with collecting(server) as collector:
            gathered = collector.run(SEARCH, limit=100)
            assert (gathered.reasons, gathered.unfinished, gathered.usable) == ({}, 2, 0)
            assert len(collector.said) == 1
            assert "robots.txt of the site cannot be read" in collector.said[0]
        assert not read_journal(tmp_path / "photos")
        assert not any(path.startswith("/pictures") for path in server.asked)
        server.robots = "User-agent: *\nDisallow: /pictures/1"
        with collecting(server) as collector:
            gathered = collector.run(SEARCH, limit=100)
    assert (gathered.reasons, gathered.usable) == ({"robots.txt": 1}, 1)


def test_the_user_agent_names_the_tool(web: Any, drawn: list[bytes], collecting: Any) -> None:
    with (
        web.Server(pictures=catalogue(web, drawn)[:1]) as server,
        collecting(server) as collector,
    ):
        collector.run(SEARCH, limit=100)
        assert all(agent.startswith("mien/") for agent in server.agents)
        assert server.seen_hosts == {f"127.0.0.1:{server.port}"}


def test_no_host_is_asked_by_more_than_manners_allow(
    web: Any, drawn: list[bytes], collecting: Any
) -> None:
    with (
        web.Server(pictures=catalogue(web, drawn)) as server,
        collecting(server, manners=Manners(at_once=1, per_second=None), robots=False) as collector,
    ):
        collector.run(SEARCH, limit=100)
        assert server.most_at_once == 1


def test_a_host_that_asks_to_wait_too_long_is_left_for_another_day(
    web: Any, drawn: list[bytes], collecting: Any, tmp_path: Path
) -> None:
    pictures = [web.Picture(name="a.jpg", data=drawn[0], fault="throttle once")]
    with web.Server(pictures=pictures, retry_after="86400") as server:
        with collecting(server) as collector:
            gathered = collector.run(SEARCH, limit=100)
        assert (gathered.usable, gathered.unfinished, gathered.asked) == (0, 1, 0)
        with collecting(server) as collector:
            assert collector.run(SEARCH, limit=100).usable == 1


def test_what_was_forgotten_is_not_collected_again(
    web: Any, drawn: list[bytes], collecting: Any, tmp_path: Path
) -> None:
    with web.Server(pictures=catalogue(web, drawn)[:3]) as server:
        stone = {"fetched_sha256": "", "url_sha256": "", "forgotten_at": ""}
        by_bytes = Tombstone(sha256=digest_bytes(drawn[0]), **stone)
        by_url = Tombstone(
            sha256="0" * 64, **{**stone, "url_sha256": url_digest(server.picture_url("1.jpg"))}
        )
        add_tombstones(tmp_path / "photos" / "forgotten.csv", [by_bytes, by_url])
        with collecting(server) as collector:
            gathered = collector.run(SEARCH, limit=100)
        assert server.asked["/pictures/1.jpg"] == 0
    assert gathered.usable == 1
    journal = (tmp_path / "photos" / ".inbox" / JOURNAL_NAME).read_text()
    assert digest_bytes(drawn[0]) not in journal


def test_a_refused_copy_of_what_was_forgotten_names_it_no_more_and_stays_refused(
    web: Any, drawn: list[bytes], collecting: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MIEN_HOME", str(tmp_path / "home"))
    pictures = [
        web.Picture(name="0.jpg", data=drawn[0]),
        web.Picture(name="1.jpg", data=twin(drawn[0], kind="mirrored")),
    ]
    folder = tmp_path / "photos"
    with web.Server(pictures=pictures) as server:
        with collecting(server, workers=1) as collector:
            assert collector.run(SEARCH, limit=9).reasons == {"mirrored copy": 1}
        (held,) = stems(tmp_path)
        forget(folder, photo=f".inbox/{held}")
        assert held not in (folder / ".inbox" / JOURNAL_NAME).read_text()
        with collecting(server, workers=1) as collector:
            gathered = collector.run(SEARCH, limit=9)
    assert (gathered.usable, gathered.reasons) == (0, {"mirrored copy": 1})
    assert server.asked["/pictures/1.jpg"] == 1


@pytest.fixture
def again(web: Any, drawn: list[bytes], collecting: Any, tmp_path: Path) -> Callable[..., Gathered]:
    """Collect, let something befall the first photo in the inbox, and collect again."""

    def twice(befall: Callable[[Path], object], *, first: int = 100) -> Gathered:
        with web.Server(pictures=catalogue(web, drawn)[:2]) as server:
            with collecting(server) as collector:
                collector.run(SEARCH, limit=first)
            befall(tmp_path / "photos" / ".inbox" / stems(tmp_path)[0])
            with collecting(server) as collector:
                return collector.run(SEARCH, limit=100)

    return twice


def test_a_photo_that_a_person_deleted_does_not_come_back(
    again: Callable[..., Gathered], tmp_path: Path
) -> None:
    gathered = again(Path.unlink)
    assert (gathered.usable, gathered.reasons) == (1, {"rejected by hand": 1})
    assert len(read_sources(tmp_path / "photos")) == 1


def test_a_photo_in_a_folder_that_a_mac_named_keeps_its_line(
    again: Callable[..., Gathered], tmp_path: Path
) -> None:
    decomposed = tmp_path / "photos" / unicodedata.normalize("NFD", "행복")

    def move(photo: Path) -> None:
        decomposed.mkdir()
        photo.rename(decomposed / photo.name)

    again(move, first=1)
    (moved,) = decomposed.iterdir()
    kept = {line.path: line.state for line in read_sources(tmp_path / "photos")}
    assert len(kept) == 2
    assert kept[f"행복/{moved.name}"] == "kept"


def test_a_kill_between_journal_and_file_is_healed(
    again: Callable[..., Gathered], tmp_path: Path
) -> None:
    inbox = tmp_path / "photos" / ".inbox"

    def die(photo: Path) -> None:
        (tmp_path / "photos" / "sources.csv").unlink()  # as it is before it is first written
        photo.unlink()
        (inbox / ".openverse-1234.jpg.x.part").write_bytes(b"half")
        with (inbox / JOURNAL_NAME).open("ab") as file:
            file.write(b'{"url": "torn')

    assert again(die).usable == 2
    assert len(stems(tmp_path)) == len(read_sources(tmp_path / "photos")) == 2
    assert not list(inbox.glob("*.part"))
    for row in (inbox / JOURNAL_NAME).read_text().splitlines():
        json.loads(row)


def test_the_ledger_is_written_once_at_the_end_of_a_short_run(
    web: Any, drawn: list[bytes], collecting: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[int] = []
    write = ledger.write_sources

    def counted(folder: Path, lines: Sequence[ledger.SourceLine]) -> None:
        written.append(len(lines))
        write(folder, lines)

    monkeypatch.setattr(ledger, "write_sources", counted)
    with web.Server(pictures=catalogue(web, drawn)) as server, collecting(server) as collector:
        collector.run(SEARCH, limit=10)
    assert written == [6]
    monkeypatch.setattr(running, "_WRITE_EVERY_S", 0.0)
    monkeypatch.setattr(running, "_WRITE_SHARE", 1.0)
    monkeypatch.setattr(running, "_IN_HAND", 1)  # else all four are decided on at once
    more = [web.Picture(name=f"more{i}.jpg", data=drawn[6 + i]) for i in range(4)]
    with web.Server(pictures=more) as server, collecting(server, workers=1) as collector:
        collector.run(SEARCH, limit=20)
    assert written[-1] == 10
    assert len(written) > 2  # now and then in a long one


def test_how_long_threads_keep_their_turn_is_set_back(
    web: Any, drawn: list[bytes], collecting: Any
) -> None:
    before = sys.getswitchinterval()
    seen: list[float] = []
    with web.Server(pictures=catalogue(web, drawn)) as server, collecting(server) as collector:
        collector.run(SEARCH, limit=10, progress=lambda *_: seen.append(sys.getswitchinterval()))
    assert min(seen) == pytest.approx(0.02)
    assert sys.getswitchinterval() == before


def test_two_do_not_work_in_one_folder_at_once(collecting: Any) -> None:
    with collecting(), pytest.raises(UserError, match="another mien is at work"):
        collecting().__enter__()


def test_breaking_off_waits_for_no_slow_server_and_blames_no_picture(
    web: Any, drawn: list[bytes], collecting: Any, tmp_path: Path
) -> None:
    # Every picture stalls for a minute; Ctrl-C is an exception in the thread that waits.
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    pictures = [web.Picture(name="good.jpg", data=drawn[0])]
    pictures += [web.Picture(name=f"{i}.jpg", data=drawn[i], fault="stall") for i in range(1, 4)]
    patience = Patience(connect_s=60, read_s=60, total_s=60)
    with web.Server(pictures=pictures, stall_s=5) as server:
        browser = Browser(allow_local=True, patience=patience)
        collector = collecting(server, browser=browser)
        began = time.monotonic()
        with pytest.raises(KeyboardInterrupt), collector:
            collector.run(SEARCH, limit=10, progress=interrupted)
        assert time.monotonic() - began < 4
        with collecting(server, browser=Browser(allow_local=True)) as collector:
            lines = read_journal(tmp_path / "photos")
        assert [line.url.rpartition("/")[2] for line in lines] == ["good.jpg"]
        assert len(read_sources(tmp_path / "photos")) == 1


def test_a_server_that_drips_its_headers_holds_nobody_up(
    web: Any, drawn: list[bytes], collecting: Any
) -> None:
    pictures = [web.Picture(name="a.jpg", data=drawn[0], fault="drip")]
    patience = Patience(connect_s=2, read_s=2, total_s=0.5)
    began = time.monotonic()
    with (
        web.Server(pictures=pictures, stall_s=20) as server,
        collecting(server, browser=Browser(allow_local=True, patience=patience)) as collector,
    ):
        assert collector.run(SEARCH, limit=10).reasons == {"timed out": 1}
    assert time.monotonic() - began < 12  # two tries and their pause, far from forty seconds


@pytest.mark.usefixtures("robots_are_asked_once")
def test_a_redirect_to_https_and_to_another_host_is_followed_and_judged(
    web: Any, drawn: list[bytes], collecting: Any
) -> None:
    with web.Server(pictures=[web.Picture(name="there.jpg", data=drawn[1])]) as other:
        pictures = [
            web.Picture(name="a.jpg", data=drawn[0], fault=f"to {other.picture_url('there.jpg')}"),
            web.Picture(name="b.jpg", data=drawn[0], fault=f"to https://127.0.0.1:{other.port}/x"),
        ]
        with web.Server(pictures=pictures) as server, collecting(server) as collector:
            gathered = collector.run(SEARCH, limit=10)
        assert other.asked["/robots.txt"] == 1  # the other host has a say of its own
    # The port speaks no TLS: its robots.txt is out of reach, which forbids for now (RFC 9309).
    assert (gathered.usable, gathered.reasons, gathered.unfinished) == (1, {}, 1)


def test_a_folder_and_a_camera_are_sources_too(
    drawn: list[bytes], collecting: Any, tmp_path: Path
) -> None:
    camera = tmp_path / "DCIM"
    camera.mkdir()
    for i in range(3):
        (camera / f"{i}.jpg").write_bytes(drawn[i])
    (camera / "notes.txt").write_text("no picture")
    (camera / "broken.jpg").write_bytes(drawn[3][:200])
    (camera / ".hidden.jpg").write_bytes(drawn[4])
    with collecting() as collector:
        gathered = collector.run(Search(source="folder", query=str(camera)), limit=100)
        again = collector.run(Search(source="camera", query=str(camera)), limit=100)
    assert (gathered.usable, gathered.reasons) == (3, {"broken picture": 1})
    assert again.asked == 0


def test_a_source_that_cannot_be_asked_is_one_clear_error(
    web: Any, drawn: list[bytes], collecting: Any
) -> None:
    for fault, words in (
        ("no json", "answered no JSON"),
        ("list", "answered without 'results'"),
        ("down", "Openverse cannot be asked"),
        ("forbidden", "HTTP 403.*Say who you are with --contact"),
    ):
        with (
            web.Server(pictures=catalogue(web, drawn), api_fault=fault) as server,
            collecting(server) as collector,
            pytest.raises(FetchError, match=words),
        ):
            collector.run(SEARCH, limit=10)


@pytest.mark.parametrize("fault", ["throttle once", "busy once"])
def test_a_page_that_asks_to_wait_is_asked_again(
    web: Any, drawn: list[bytes], collecting: Any, fault: str
) -> None:
    server = web.Server(pictures=catalogue(web, drawn), api_fault=fault, retry_after="0")
    with server, collecting(server) as collector:
        assert collector.run(SEARCH, limit=10).usable == 6


def test_pages_are_followed_to_the_end(web: Any, drawn: list[bytes], collecting: Any) -> None:
    # 45 addresses of one file: pages of 20 on Openverse, one copy after another.
    pictures = [web.Picture(name=f"{i}.jpg", data=drawn[0]) for i in range(45)]
    with web.Server(pictures=pictures) as server, collecting(server) as collector:
        gathered = collector.run(SEARCH, limit=100)
        assert server.asked["/v1/images/"] == 3
    assert (gathered.asked, gathered.usable, gathered.reasons) == (45, 1, {"copy": 44})


def test_an_unknown_source_is_refused(collecting: Any) -> None:
    with collecting() as collector, pytest.raises(UserError, match="source 'ask' is unknown"):
        collector.run(Search(source="ask", query="x"), limit=1)


def test_a_file_that_is_too_large_is_refused(web: Any, drawn: list[bytes], collecting: Any) -> None:
    with (
        web.Server(pictures=catalogue(web, drawn)[:1]) as server,
        collecting(server, max_bytes=1000) as collector,
    ):
        assert collector.run(SEARCH, limit=10).reasons == {"too large": 1}


def test_bing_warns_of_rights_and_gives_no_licence(
    web: Any, drawn: list[bytes], collecting: Any, tmp_path: Path
) -> None:
    pytest.importorskip("icrawler")
    with web.Server(pictures=catalogue(web, drawn)[:3]) as server:
        with collecting(server) as collector:
            gathered = collector.run(Search(source="bing", query="face"), limit=10)
            assert any("Bing states no licences" in sentence for sentence in collector.said)
        with (
            collecting(server, codes=frozenset({"by"})) as collector,
            pytest.raises(UserError, match="--licence cannot be kept"),
        ):
            collector.run(Search(source="bing", query="face"), limit=10)
    assert gathered.usable == 3
    assert {line.licence for line in read_sources(tmp_path / "photos")} == {""}


def test_unusable_carries_reason_and_patience() -> None:
    error = Unusable("throttled", "wait", retry_after_s=3)
    assert (error.reason, error.retry_after_s, str(error)) == ("throttled", 3, "wait")
