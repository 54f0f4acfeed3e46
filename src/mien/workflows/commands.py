"""The one command that makes a run, a study or a learning curve again.

Law: the command names every setting in which a recipe differs from the one that it started from;
the words are quoted for a shell.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mien.head.recipe import SETTINGS, Recipe, Setting, from_plain, recipe_from
from mien.studies.grid import in_words


def run_command(run: Mapping[str, Any]) -> str:
    """Of a run's record."""
    words = ["mien", "train", run["photos"], *recipe_words(from_plain(run["recipe"]))]
    if run["test_photos"]:
        words += ["--test", run["test_photos"]]
    words += ["--seeds", str(len(run["seeds"]))]
    if run["seeds"][0]["seed"]:
        words += ["--first-seed", str(run["seeds"][0]["seed"])]
    if run["cross_validation"]:
        found = run["cross_validation"]
        words += ["--cross-validate", f"{found['repeats']}x{found['folds']}"]
    return shlex.join(words)


def study_command(
    photos: Path,
    *,
    test: Path | None,
    grid: Mapping[str, Sequence[Setting]] | str,
    recipe: Recipe,
    seeds: int,
    folds: int,
    nested: bool,
) -> str:
    """Of a study.

    Args:
        photos: The folder.
        test: The folder of test photos.
        grid: What was varied, or the name of a preset.
        recipe: What the grid started from.
        seeds: Of each cell.
        folds: Where there are no test photos.
        nested: Whether the choice was scored too.
    """
    words = ["mien", "study", str(photos), *_scored_on(test, folds)]
    if isinstance(grid, str):
        words += ["--preset", grid]
    else:
        for name, values in grid.items():
            words += ["--vary", f"{name}={','.join(in_words(value) for value in values)}"]
    words += [*recipe_words(recipe), "--seeds", str(seeds), *(["--nested"] if nested else [])]
    return shlex.join(words)


def curve_command(
    photos: Path, *, test: Path | None, recipe: Recipe, seeds: int, folds: int
) -> str:
    """Of a learning curve."""
    words = ["mien", "curve", str(photos), *_scored_on(test, folds), *recipe_words(recipe)]
    return shlex.join([*words, "--seeds", str(seeds)])


def recipe_words(recipe: Recipe) -> list[str]:
    """A recipe as the command line takes it: a name, and what differs from it.

    Example:
        >>> recipe_words(recipe_from("teachable-machine", epochs=450))
        ['--recipe', 'teachable-machine', '--set', 'epochs=450']
    """
    usual, words = recipe_from(recipe.name), ["--recipe", recipe.name]
    for name in SETTINGS:
        value = getattr(recipe, name)
        if value != getattr(usual, name):
            words += ["--set", f"{name}={in_words(value)}"]
    return words


def _scored_on(test: Path | None, folds: int) -> list[str]:
    return ["--folds", str(folds)] if test is None else ["--test", str(test)]
