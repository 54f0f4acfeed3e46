"""Where pictures come from: addresses in a file, and what strangers answer."""

from __future__ import annotations

from pathlib import Path

import pytest

from mien.collecting import Browser
from mien.collecting.sources import SOURCES, SourceContext
from mien.collecting.sources.base import text_of, url_of
from mien.errors import UserError


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
