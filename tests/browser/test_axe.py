"""No serious or critical finding of axe-core on any page, in any state, in light and dark.

The states are those of the screenshots (`benchmarks/studio_states.py`): dialogs open, a training
under way, errors, an exam's photos, the audit's queue. axe-core is a development tool from npm:
``npm install --no-save --prefix tests/browser axe-core@4``.
"""

from __future__ import annotations

import importlib.util
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any, TypeAlias

import pytest

from mien.dataset.drawn import draw_dataset

pytestmark = [pytest.mark.network, pytest.mark.slow, pytest.mark.study]

AXE = Path(__file__).parent / "node_modules" / "axe-core" / "axe.min.js"
SERIOUS = ("serious", "critical")
STATE_MS = 60_000
Look: TypeAlias = tuple[str, int, str]
# The link of a studio, and the cookies that open it.
Entered: TypeAlias = tuple[str, Any]
LOOKS: list[Look] = [("light", 1440, "en"), ("dark", 360, "ko")]
# Without this each state is looked at in one of the two, by turns.
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
    """What axe-core finds, whether the page is wider than its window, and words that are broken."""
    page.evaluate(AXE.read_text(encoding="utf-8"))
    result = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    broken: list[str] = states.broken_words(page)
    wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
    return [
        f"{one['id']}: {node['html'][:120]} {node['failureSummary'][:160]}"
        for one in result["violations"] if one["impact"] in SERIOUS
        for node in one["nodes"]
    ] + ([f"{wide} px wider than the window"] if wide > 0 else []) + broken  # fmt: skip


@pytest.fixture(autouse=True)
def _needs_axe() -> None:
    if not AXE.is_file():
        pytest.skip(
            f"no axe-core at '{AXE}': npm install --no-save --prefix tests/browser axe-core@4"
        )


def entered(chromium: Any, link: str) -> Any:
    """The cookies of a studio, for all pages on it."""
    context = chromium.new_context()
    context.new_page().goto(link)
    cookies = context.storage_state()
    context.close()
    return cookies


@pytest.fixture(scope="module")
def full(
    tmp_path_factory: pytest.TempPathFactory, chromium: Any, shared: Path
) -> Iterator[Entered]:
    """A studio in which everything was done once."""
    folder = tmp_path_factory.mktemp("axe")
    root = states.draw_project(folder, n_per_class=8, test_per_class=6, size_px=128)
    with pytest.MonkeyPatch.context() as environment:
        # Teachable Machine's recipe, whose curves and studies are shown, needs its backbone.
        environment.setenv("MIEN_MIRROR", str(shared / "models"))
        environment.setenv("MIEN_HOME", str(folder / "home"))
        with states.studio(root) as link:
            context = chromium.new_context(locale="en")
            context.set_default_timeout(states.PATIENCE_MS)
            page = context.new_page()
            page.goto(link)
            states.fill_project(page, root, epochs=(10, 20))
            yield link, context.storage_state()
            context.close()


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory, chromium: Any) -> Iterator[Entered]:
    """A studio with photos in which nothing was done yet."""
    root = tmp_path_factory.mktemp("axe-bare") / "photos"
    draw_dataset(root, classes=("happy", "sad"), n_per_class=3, seed=4, size_px=96)
    with states.studio(root) as link:
        yield link, entered(chromium, link)


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory, chromium: Any) -> Iterator[Entered]:
    """A studio on an empty folder."""
    with states.studio(tmp_path_factory.mktemp("axe-empty") / "photos") as link:
        yield link, entered(chromium, link)


def look_at(browser: Any, studio: Entered, state: Any, look: Look) -> list[str]:
    """What is wrong with a state in a look; the project is left as it was."""
    link, cookies = studio
    scheme, width, language = look
    context = browser.new_context(
        storage_state=cookies, locale=language, color_scheme=scheme, permissions=["camera"],
        viewport={"width": width, "height": 900}, reduced_motion="reduce",
    )  # fmt: skip
    context.set_default_timeout(STATE_MS)
    page = context.new_page()
    page.goto(link.partition("/enter")[0] + state.path)
    try:
        state.act(page)
        return findings(page)
    finally:
        state.after(page)
        context.close()


# Each state with the fixture of its project, in the order in which they may be walked.
ALL = [
    (kind, name)
    for kind, some in (("empty", states.EMPTY), ("bare", states.BARE), ("full", states.STATES))
    for name in some
]


@pytest.mark.parametrize(("kind", "name"), ALL)
def test_every_state_is_usable_by_everybody(
    kind: str, name: str, request: pytest.FixtureRequest, chromium: Any
) -> None:
    turn = ALL.index((kind, name)) % len(LOOKS)
    state = {**states.EMPTY, **states.BARE, **states.STATES}[name]
    for look in LOOKS if ALL_LOOKS else [LOOKS[turn]]:
        found = look_at(chromium, request.getfixturevalue(kind), state, look)
        assert not found, "\n".join([f"{look}:", *found])
