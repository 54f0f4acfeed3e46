"""Recipes: every setting of a training, under one name, checked before any work is done.

A recipe says how an image becomes a head: backbone, preprocessing, and how the head is fitted. It
knows neither photos nor seeds: a recipe and a seed together make a run.

Law: a `Recipe` that exists is valid. Each rule stands once, in `_RULES`, and serves the command
line (text), Python (values) and JSON alike.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, cast

from mien.backbone.catalogue import BACKBONES
from mien.errors import RecipeError

HeadKind: TypeAlias = Literal["mlp", "logistic"]
Setting: TypeAlias = str | bool | int | float | tuple[float, ...]

_YES = frozenset({"yes", "true", "on", "1"})
_NO = frozenset({"no", "false", "off", "0"})


@dataclass(frozen=True, kw_only=True)
class _Rule:
    """What one setting may be: `read` makes a value of text, `check` says what is wrong with it."""

    expected: str
    read: Callable[[str], Setting]
    check: Callable[[object], bool]


def _whole(low: int, high: int) -> _Rule:
    return _Rule(
        expected=f"a whole number from {low} to {high}",
        read=int,
        check=lambda v: isinstance(v, int) and not isinstance(v, bool) and low <= v <= high,
    )


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _real(low: float, high: float, *, above: bool = False) -> _Rule:
    """A number from `low` to `high`; `above` leaves `low` itself out."""
    edge = f"above {low:g} and up to {high:g}" if above else f"from {low:g} to {high:g}"

    def check(value: object) -> bool:
        if not _is_number(value):
            return False
        number = cast(float, value)
        return (low < number if above else low <= number) and number <= high

    return _Rule(expected=f"a number {edge}", read=float, check=check)


def _read_flag(text: str) -> bool:
    word = text.strip().lower()
    if word in _YES | _NO:
        return word in _YES
    raise ValueError(text)


def _check_strengths(value: object) -> bool:
    return (
        isinstance(value, tuple)
        and 1 <= len(value) <= 100
        and all(_is_number(v) and 0 < v <= 1e9 for v in value)
        and list(value) == sorted(set(value))
    )


_FLAG = _Rule(expected="yes or no", read=_read_flag, check=lambda v: isinstance(v, bool))
_NAME = _Rule(
    expected="a name", read=str.strip, check=lambda v: isinstance(v, str) and bool(v.strip())
)
_RULES: Mapping[str, _Rule] = {
    "name": _NAME,
    "backbone": _NAME,
    "preprocessing": _Rule(
        expected="steps joined by ' | '",
        read=str.strip,
        check=lambda v: isinstance(v, str) and v != "",
    ),
    "average_mirror": _FLAG,
    "mirror_photos": _FLAG,
    "head": _Rule(
        expected="mlp or logistic", read=str.strip, check=lambda v: v in ("mlp", "logistic")
    ),
    "hidden_units": _whole(1, 4096),
    "epochs": _whole(1, 100_000),
    "batch_size": _whole(1, 4096),
    "learning_rate": _real(0, 10, above=True),
    "weight_decay": _real(0, 10),
    "validation_fraction": _real(0, 0.5),
    "l2_strengths": _Rule(
        expected="rising numbers above 0, joined by '/'",
        read=lambda text: tuple(float(part) for part in text.split("/")),
        check=_check_strengths,
    ),
    "inner_folds": _whole(2, 50),
    "calibrate": _FLAG,
}


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """All settings of a training but its photos and its seed.

    Attributes:
        name: Of the recipe in `RECIPES` that it started from.
        backbone: A name in the backbone catalogue.
        preprocessing: The printable string of `mien.image`.
        average_mirror: A photo is seen as the mean of its own embedding and its mirror image's.
        mirror_photos: The mirror image of each training photo is one more training photo. With
            `average_mirror` the two are trained on apart and averaged only where predicted.
        head: ``mlp`` is Teachable Machine's, one hidden layer by Adam; ``logistic`` is multinomial
            logistic regression on standardised embeddings.
        hidden_units: Of the mlp.
        epochs: Of the mlp.
        batch_size: Of the mlp; the last batch of an epoch may be smaller.
        learning_rate: Of the mlp's Adam.
        weight_decay: Of the mlp's kernels, decoupled (Loshchilov & Hutter 2019, AdamW).
        validation_fraction: Per class, the part held out of the mlp's training; rounded up.
        l2_strengths: What the logistic head chooses from: the weight of half the squared norm of
            the kernel against the summed cross-entropy; 1/C in scikit-learn's words. Rising.
        inner_folds: Of the cross-validation that chooses it and that calibrates.
        calibrate: A temperature is fitted on photos that the head was not trained on.

    Raises:
        RecipeError: A setting is of the wrong kind or out of range.
    """

    name: str
    backbone: str
    preprocessing: str
    average_mirror: bool
    mirror_photos: bool
    head: HeadKind
    hidden_units: int
    epochs: int
    batch_size: int
    learning_rate: float
    weight_decay: float
    validation_fraction: float
    l2_strengths: tuple[float, ...]
    inner_folds: int
    calibrate: bool

    def __post_init__(self) -> None:
        for key, rule in _RULES.items():
            value = getattr(self, key)
            if not rule.check(value):
                raise _wrong(key, value)


_TEACHABLE_MACHINE = Recipe(
    name="teachable-machine",
    backbone="mobilenet-v2-0.35",
    preprocessing="orient | crop:centre | resize:224:lanczos | scale:-1:1",
    average_mirror=False,
    mirror_photos=False,
    head="mlp",
    hidden_units=100,
    epochs=50,
    batch_size=16,
    learning_rate=0.001,
    weight_decay=0.0,
    validation_fraction=0.15,
    l2_strengths=(1.0, 3.0, 10.0, 30.0, 100.0, 300.0, 1000.0, 3000.0, 10_000.0, 30_000.0),
    inner_folds=5,
    calibrate=False,
)

RECIPES: Mapping[str, Recipe] = {
    "teachable-machine": _TEACHABLE_MACHINE,
    "expression": dataclasses.replace(
        _TEACHABLE_MACHINE,
        name="expression",
        backbone="mien-expression",
        preprocessing=BACKBONES["mien-expression"].preprocessing,
        average_mirror=True,
        head="logistic",
        calibrate=True,
    ),
}
"""The recipes that come with mien. Both hold settings of either kind of head, so that changing
only `head` gives a valid recipe."""

SETTINGS: tuple[str, ...] = tuple(f.name for f in dataclasses.fields(Recipe) if f.name != "name")
"""What can be varied: every field but the name, in the order of `Recipe`."""

_OF_HEAD: Mapping[HeadKind, frozenset[str]] = {
    "mlp": frozenset(
        {"hidden_units", "epochs", "batch_size", "learning_rate", "weight_decay"}
        | {"validation_fraction"}
    ),
    "logistic": frozenset({"l2_strengths", "inner_folds"}),
}
"""The settings that one kind of head has alone."""

ALIASES: Mapping[str, str] = {"mirror": "mirror_photos"}
"""Shorter names for the command line; `crop` is another one, see `recipe_from`."""


def recipe_from(name: str, /, **overrides: Setting) -> Recipe:
    """Take a recipe by name and change some settings.

    Args:
        name: A key of `RECIPES`.
        **overrides: Settings (a field of `Recipe` or one of `ALIASES`) and their values; a text is
            read as on the command line. `crop` replaces the crop step of the preprocessing, as in
            ``crop="centre"`` or ``crop="face(1.3,haar)"``.

    Raises:
        RecipeError: An unknown recipe or setting, a value of the wrong kind or out of range.

    Example:
        >>> recipe_from("teachable-machine", epochs=450).epochs
        450
    """
    if name not in RECIPES:
        raise RecipeError(
            f"unknown recipe '{name}', expected one of: {', '.join(RECIPES)}",
            "Choose one of these and change its settings one by one.",
        )
    return change(RECIPES[name], **overrides)


def change(recipe: Recipe, /, **overrides: Setting) -> Recipe:
    """Change some settings of a recipe, named as in `recipe_from`.

    Raises:
        RecipeError: As `recipe_from`.
    """
    changes: dict[str, Any] = {}
    crop = overrides.pop("crop", None)
    for given, value in overrides.items():
        key = field_of(given)
        changes[key] = parse_setting(key, value) if isinstance(value, str) else _as_kind(key, value)
    if crop is not None:
        preprocessing = changes.get("preprocessing", recipe.preprocessing)
        changes["preprocessing"] = _with_crop(preprocessing, str(crop))
    return dataclasses.replace(recipe, **changes)


def field_of(setting: str) -> str:
    """The field of `Recipe` that a setting's name means.

    Raises:
        RecipeError: There is none.
    """
    key = ALIASES.get(setting, setting)
    if key not in SETTINGS:
        known = ", ".join((*SETTINGS, *ALIASES, "crop"))
        raise RecipeError(f"unknown setting '{setting}', expected one of: {known}", "")
    return key


def settings_of(head: HeadKind) -> tuple[str, ...]:
    """The settings that make a difference to a kind of head, in the order of `Recipe`.

    Example:
        >>> "epochs" in settings_of("mlp"), "epochs" in settings_of("logistic")
        (True, False)
    """
    others = {name for kind, names in _OF_HEAD.items() if kind != head for name in names}
    return tuple(name for name in SETTINGS if name not in others)


def counts(setting: str, head: HeadKind) -> bool:
    """Whether a setting, named as in `recipe_from`, makes a difference to a kind of head.

    Raises:
        RecipeError: There is no such setting.
    """
    return setting == "crop" or field_of(setting) in settings_of(head)


def parse_setting(name: str, text: str) -> Setting:
    """Read a setting from the command line's text.

    Args:
        name: A field of `Recipe`, one of `ALIASES`, or ``crop``.
        text: Such as ``450``, ``0.001``, ``yes`` or ``1/10/100``.

    Raises:
        RecipeError: The name is unknown, or the text is of the wrong kind or out of range.

    Example:
        >>> parse_setting("mirror", "yes")
        True
    """
    if name == "crop":
        return text.strip()
    key = field_of(name)
    rule = _RULES[key]
    try:
        value = rule.read(text)
    except ValueError:
        raise _wrong(name, text) from None
    if not rule.check(value):
        raise _wrong(name, text)
    return value


def to_plain(recipe: Recipe) -> dict[str, Any]:
    """A recipe as it stands in JSON.

    Example:
        >>> from_plain(to_plain(RECIPES["expression"])) == RECIPES["expression"]
        True
    """
    return {
        key: list(value) if isinstance(value, tuple) else value
        for key, value in dataclasses.asdict(recipe).items()
    }


def from_plain(value: object) -> Recipe:
    """A recipe read back from JSON that anyone may have written.

    Raises:
        RecipeError: It is not a dict with exactly the fields of `Recipe`, or one is invalid.
    """
    if not isinstance(value, Mapping):
        raise RecipeError(f"a recipe is a JSON object, not {type(value).__name__}", "")
    unlike = set(_RULES) ^ set(value)
    if unlike:
        names = ", ".join(sorted(map(str, unlike)))
        raise RecipeError(f"a recipe has too many or too few settings: {names}", "")
    return Recipe(**{key: _as_kind(key, item) for key, item in value.items()})


def _as_kind(key: str, value: object) -> Any:
    """Widen what is harmless: whole numbers where a number is meant, lists where a tuple is."""
    if isinstance(value, list):
        return tuple(value)
    number = isinstance(value, int) and not isinstance(value, bool)
    return float(cast(int, value)) if number and _RULES[key].read is float else value


def _with_crop(preprocessing: str, crop: str) -> str:
    steps = [step.strip() for step in preprocessing.split("|")]
    places = [i for i, step in enumerate(steps) if step.startswith("crop:")]
    if len(places) != 1:
        raise RecipeError(f"crop '{crop}' has no crop step to replace in '{preprocessing}'", "")
    steps[places[0]] = f"crop:{crop.strip()}"
    return " | ".join(steps)


def _wrong(name: str, value: object) -> RecipeError:
    expected = _RULES[ALIASES.get(name, name)].expected
    return RecipeError(f"setting {name} is {value!r}, expected {expected}", "")
