"""Grids over the settings of a recipe: what a study tries, settled before any work is done.

Knows recipes and texts, no photos. Law: a cell is a valid recipe; two ways to the same recipe are
one cell, also where they differ in what its head does not have; a wrong name or value, a doubled
value, an empty list and a setting that no cell's head has are errors here and nowhere later.
"""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias, cast

from mien.digest import digest_json
from mien.errors import RecipeError
from mien.head.recipe import (
    RECIPES,
    HeadKind,
    Recipe,
    Setting,
    change,
    counts,
    parse_setting,
    settings_of,
    to_plain,
)

Varied: TypeAlias = Mapping[str, tuple[Setting, ...]]

# A table of more rows is read by nobody, and Holm's price for it would be high.
MOST_CELLS: Final = 2000

PRESETS: Final[Mapping[str, tuple[Varied, ...]]] = {
    # The study's two tables: epoch counts at learning rate 0.001; rates at 450 epochs, as the
    # names of its exported models say (its text says 700).
    "paper": (
        {
            "epochs": (20, 50, 70, 100, 150, 250, 300, 400, 425, 450, 500, 600, 700),
            "learning_rate": (0.001,),
        },
        {
            "epochs": (450,),
            "learning_rate": (
                *(0.00005, 0.0001, 0.0005, 0.001, 0.0015, 0.002),
                *(0.004, 0.008, 0.02, 0.025, 0.05),
            ),
        },
    ),
}
"""Named grids; a preset is one or more grids, and a cell that several hold is tried once."""

PRESET_RECIPES: Final[Mapping[str, str]] = {"paper": "teachable-machine"}
"""The recipe that a preset is about, used unless the user names another."""


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One recipe of a grid.

    Attributes:
        vary: The settings that make it differ, by the names the user gave; in a grid over kinds of
            head, without those that this cell's head does not have.
        recipe: All settings.
    """

    vary: Mapping[str, Setting]
    recipe: Recipe

    @property
    def name(self) -> str:
        """What it is called in words: its varied settings, or the recipe's name."""
        words = [f"{name}={in_words(value)}" for name, value in self.vary.items()]
        return ", ".join(words) or self.recipe.name

    @property
    def key(self) -> str:
        """The same for the same recipe, in any study."""
        return digest_json(to_plain(self.recipe))[:16]

    @property
    def complexity(self) -> float:
        """What it costs to train, roughly; of recipes that are as good the cheaper is simpler."""
        if self.recipe.head == "logistic":
            return 0.0
        copies = 2 if self.recipe.mirror_photos else 1
        return float(self.recipe.epochs * self.recipe.hidden_units * copies)


def in_words(value: Setting) -> str:
    """A setting's value as the command line reads it."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, tuple):
        return "/".join(f"{one:g}" for one in value)
    return f"{value:g}" if isinstance(value, float) else str(value)


def parse_vary(texts: Sequence[str]) -> dict[str, tuple[Setting, ...]]:
    """Read what follows ``--vary``, such as ``epochs=20,50`` or ``crop=centre,face(1.1,haar)``.

    Raises:
        RecipeError: No name, an unknown or doubled one, no values, a doubled or a wrong value.

    Example:
        >>> parse_vary(["epochs=20,50", "mirror=no,yes"])
        {'epochs': (20, 50), 'mirror': (False, True)}
    """
    varied: dict[str, tuple[Setting, ...]] = {}
    for text in texts:
        name, equals, rest = text.partition("=")
        name = name.strip().replace("-", "_")
        if not equals or not name:
            raise RecipeError(
                f"--vary is '{text}', expected NAME=VALUE,VALUE…", "Such as epochs=20,50,100."
            )
        if name in varied:
            raise RecipeError(f"--vary names {name} twice", "Give all its values at once.")
        # Commas between parentheses belong to the value: face(1.1,haar).
        words = re.split(r",(?![^(]*\))", rest)
        if not rest.strip() or not all(word.strip() for word in words):
            raise RecipeError(
                f"--vary {name} has an empty value in '{rest}'", "Give values joined by commas."
            )
        varied[name] = tuple(parse_setting(name, word.strip()) for word in words)
        _refuse_doubles(name, varied[name])
    return varied


def cells_of(recipe: Recipe, grids: Sequence[Varied]) -> tuple[Cell, ...]:
    """All cells of some grids over one recipe, in order, each recipe once.

    Raises:
        RecipeError: There is no cell, there are more than `MOST_CELLS`, one is no valid recipe, or
            a setting makes no difference to any.

    Example:
        >>> from mien.head.recipe import RECIPES
        >>> cells = cells_of(RECIPES["teachable-machine"], [{"epochs": (20, 50)}])
        >>> [cell.name for cell in cells]
        ['epochs=20', 'epochs=50']
    """
    n_cells = sum(math.prod(len(values) for values in grid.values()) for grid in grids)
    if not grids or not n_cells:
        raise RecipeError("the grid is empty", "Give --vary NAME=VALUE,VALUE… or --preset.")
    if n_cells > MOST_CELLS:
        raise RecipeError(
            f"the grid has {n_cells} cells, expected at most {MOST_CELLS}", "Vary fewer settings."
        )
    cells: dict[str, Cell] = {}
    for grid in grids:
        _refuse_idle(recipe, grid)
        for values in itertools.product(*grid.values()):
            vary = dict(zip(grid, values, strict=True))
            head = change(recipe, **vary).head
            vary = {name: value for name, value in vary.items() if counts(name, head)}
            cell = Cell(vary=vary, recipe=change(recipe, **vary))
            cells.setdefault(cell.key, cell)
    return tuple(cells.values())


def _refuse_idle(recipe: Recipe, grid: Varied) -> None:
    """Refuse a setting that none of the grid's heads has: its points would differ by nothing."""
    heads = cast(Sequence[HeadKind], grid.get("head", (recipe.head,)))
    for name in grid:
        if heads and not any(counts(name, change(recipe, head=head).head) for head in heads):
            others = [one for one, other in RECIPES.items() if counts(name, other.head)]
            raise RecipeError(
                f"setting {name} makes no difference to recipe '{recipe.name}', whose head is "
                f"{' or '.join(heads)}",
                f"It has: {', '.join(settings_of(heads[0]))}. Recipes with {name}: "
                f"{', '.join(others)}.",
            )


def preset(name: str) -> tuple[Varied, ...]:
    """The grids of a preset.

    Raises:
        RecipeError: There is none of this name.
    """
    if name not in PRESETS:
        raise RecipeError(f"unknown preset '{name}', expected one of: {', '.join(PRESETS)}", "")
    return PRESETS[name]


def _refuse_doubles(name: str, values: Sequence[Setting]) -> None:
    for value in values:
        if values.count(value) > 1:
            raise RecipeError(
                f"--vary {name} names {in_words(value)} more than once", "Give each value once."
            )
