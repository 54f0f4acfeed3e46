"""No serious or critical finding of axe-core on any page, in light and dark, wide and narrow.

axe-core is a development tool from npm:
``npm install --no-save --prefix tests/browser axe-core@4``.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from mien.dataset.drawn import draw_dataset
from mien.studio.context import PAGES

pytestmark = [pytest.mark.network, pytest.mark.slow]

AXE = Path(__file__).parent / "node_modules" / "axe-core" / "axe.min.js"
SERIOUS = ("serious", "critical")


def findings(page: Any) -> list[str]:
    if not AXE.is_file():
        pytest.skip(
            f"no axe-core at '{AXE}': npm install --no-save --prefix tests/browser axe-core@4"
        )
    page.evaluate(AXE.read_text(encoding="utf-8"))
    result = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    return [
        f"{page.url}: {one['id']}: {node['html'][:120]} {node['failureSummary'][:160]}"
        for one in result["violations"] if one["impact"] in SERIOUS
        for node in one["nodes"]
    ]  # fmt: skip


@pytest.mark.parametrize(("scheme", "width"), [("light", 1440), ("dark", 360)])
def test_pages_are_usable_by_everybody(scheme: str, width: int, tmp_path: Path, world: Any) -> None:
    root = tmp_path / "photos"
    draw_dataset(root, classes=("happy", "sad"), n_per_class=3, seed=1, size_px=96)
    look = {
        "color_scheme": scheme,
        "viewport": {"width": width, "height": 900},
        "reduced_motion": "reduce",
    }
    found: list[str] = []
    with world.running(root) as studio, world.opened(studio, **look) as page:
        page.locator(".strip img").first.wait_for()
        page.locator("#train-advanced summary").click()
        page.get_by_role("button", name="Camera", exact=True).first.click()
        page.locator(".hold:enabled").wait_for()
        found += findings(page)
        page.get_by_role("button", name="All photos of happy").click()
        page.locator("[role=gridcell] img").first.wait_for()
        page.locator(".groups summary").click()
        found += findings(page)
        for path in [*list(PAGES.values())[1:], "/about"]:
            page.goto(studio.link.partition("/enter")[0] + path)
            page.wait_for_load_state("networkidle")
            found += findings(page)
            wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
            assert wide <= 0, f"{path} is {wide} px wider than the window"
    assert not found, "\n".join(found)


def test_the_first_page_is_usable_by_everybody(tmp_path: Path, world: Any) -> None:
    with world.running(tmp_path / "photos") as studio, world.opened(studio) as page:
        page.locator("#start:not([hidden])").wait_for()
        assert not findings(page)
