"""No serious or critical finding of axe-core on any page, in any state, in light and dark.

The states are those of the screenshots (`benchmarks/studio_states.py`): dialogs open, a training
under way, errors, an exam's photos, the audit's queue. axe-core is a development tool from npm:
``npm install --no-save --prefix tests/browser axe-core@4``.
"""

from __future__ import annotations

import importlib.util
import os
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from playwright.sync_api import TimeoutError

from mien.dataset.drawn import draw_dataset

pytestmark = [pytest.mark.network, pytest.mark.slow, pytest.mark.study]

AXE = Path(__file__).parent / "node_modules" / "axe-core" / "axe.min.js"
SERIOUS = ("serious", "critical")
STATE_MS = 60_000
LOOKS = [("light", 1440, "en"), ("dark", 360, "ko")]
# Every state in every look takes six minutes; without this each state is seen in one of the two.
ALL_LOOKS = os.environ.get("MIEN_ALL_LOOKS") == "1"


def load_states() -> ModuleType:
    path = Path(__file__).parents[2] / "benchmarks" / "studio_states.py"
    spec = importlib.util.spec_from_file_location("studio_states", path)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules["studio_states"] = module
    spec.loader.exec_module(module)
    return module


states = load_states()


def findings(page: Any) -> list[str]:
    """What axe-core finds, and whether the page is wider than its window."""
    page.evaluate(AXE.read_text(encoding="utf-8"))
    result = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
    return [
        f"{one['id']}: {node['html'][:120]} {node['failureSummary'][:160]}"
        for one in result["violations"] if one["impact"] in SERIOUS
        for node in one["nodes"]
    ] + ([f"{wide} px wider than the window"] if wide > 0 else [])  # fmt: skip


@pytest.fixture(autouse=True)
def _needs_axe() -> None:
    if not AXE.is_file():
        pytest.skip(
            f"no axe-core at '{AXE}': npm install --no-save --prefix tests/browser axe-core@4"
        )


@pytest.fixture(scope="module")
def project(
    tmp_path_factory: pytest.TempPathFactory, chromium: Any, shared: Path
) -> Iterator[tuple[str, Any]]:
    """A studio in which everything was done once, and its cookies."""
    folder = tmp_path_factory.mktemp("axe")
    root = states.draw_project(folder, n_per_class=12, size_px=160)
    with pytest.MonkeyPatch.context() as environment:
        # Teachable Machine's recipe, whose curves and studies are shown, needs its backbone.
        environment.setenv("MIEN_MIRROR", str(shared / "models"))
        environment.setenv("MIEN_HOME", str(folder / "home"))
        with states.studio(root) as link:
            context = chromium.new_context(locale="en")
            context.set_default_timeout(states.PATIENCE_MS)
            page = context.new_page()
            page.goto(link)
            states.fill_project(page, root)
            yield link, context.storage_state()
            context.close()


def walk(
    browser: Any, link: str, cookies: Any, wanted: Mapping[str, Any], look: tuple[str, int, str]
) -> list[str]:
    scheme, width, language = look
    found = []
    for name, state in wanted.items():
        context = browser.new_context(
            storage_state=cookies, locale=language, color_scheme=scheme, permissions=["camera"],
            viewport={"width": width, "height": 900}, reduced_motion="reduce",
        )  # fmt: skip
        context.set_default_timeout(STATE_MS)
        page = context.new_page()
        page.goto(link.partition("/enter")[0] + state.path)
        try:
            state.act(page)
        except TimeoutError as error:  # the other states are worth a look all the same
            found.append(f"{name}: is not reached: {str(error).splitlines()[-1]}")
        else:
            found += [f"{name}: {one}" for one in findings(page)]
        state.after(page)
        context.close()
    return found


@pytest.mark.parametrize("look", LOOKS, ids=str)
def test_every_state_is_usable_by_everybody(
    look: tuple[str, int, str], project: tuple[str, Any], chromium: Any
) -> None:
    link, cookies = project
    turn = LOOKS.index(look)
    mine = [name for i, name in enumerate(states.STATES) if ALL_LOOKS or i % len(LOOKS) == turn]
    found = walk(chromium, link, cookies, {name: states.STATES[name] for name in mine}, look)
    assert not found, "\n".join(found)


@pytest.mark.parametrize("look", LOOKS, ids=str)
def test_what_is_empty_is_usable_by_everybody(
    look: tuple[str, int, str], tmp_path: Path, chromium: Any
) -> None:
    draw_dataset(tmp_path / "bare", classes=("happy", "sad"), n_per_class=3, seed=4, size_px=96)
    found = []
    for root, wanted in ((tmp_path / "new", states.EMPTY), (tmp_path / "bare", states.BARE)):
        with states.studio(root) as link:
            context = chromium.new_context()
            context.new_page().goto(link)
            cookies = context.storage_state()
            context.close()
            found += walk(chromium, link, cookies, wanted, look)
    assert not found, "\n".join(found)
