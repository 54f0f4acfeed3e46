from __future__ import annotations

import dataclasses
import json

import pytest

from mien.errors import RecipeError
from mien.head.recipe import (
    RECIPES,
    SETTINGS,
    Recipe,
    change,
    from_plain,
    parse_setting,
    recipe_from,
    to_plain,
)


def test_teachable_machine_is_the_recipe_of_its_published_source() -> None:
    recipe = RECIPES["teachable-machine"]
    assert (recipe.hidden_units, recipe.epochs, recipe.batch_size) == (100, 50, 16)
    assert (recipe.learning_rate, recipe.weight_decay) == (0.001, 0)
    assert recipe.validation_fraction == 0.15
    assert recipe.preprocessing == "orient | crop:centre | resize:224:lanczos | scale:-1:1"
    assert recipe.head == "mlp"


@pytest.mark.parametrize("name", RECIPES)
def test_every_recipe_comes_back_from_json_as_it_was(name: str) -> None:
    recipe = RECIPES[name]
    assert recipe.name == name
    assert from_plain(json.loads(json.dumps(to_plain(recipe)))) == recipe


@pytest.mark.parametrize("name", RECIPES)
@pytest.mark.parametrize("head", ["mlp", "logistic"])
def test_every_recipe_is_valid_with_either_head(name: str, head: str) -> None:
    assert recipe_from(name, head=head).head == head


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("epochs", "450", 450),
        ("learning_rate", "0.00005", 0.00005),
        ("mirror", "yes", True),
        ("mirror_photos", "No", False),
        ("average_mirror", "true", True),
        ("head", " logistic ", "logistic"),
        ("l2_strengths", "1/10/100", (1.0, 10.0, 100.0)),
        ("crop", "face(1.3,haar)", "face(1.3,haar)"),
    ],
)
def test_a_setting_is_read_from_text(name: str, text: str, value: object) -> None:
    assert parse_setting(name, text) == value


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("epochs", "0"),
        ("epochs", "100001"),
        ("epochs", "fifty"),
        ("epochs", "1.5"),
        ("epochs", ""),
        ("learning_rate", "0"),
        ("learning_rate", "-1"),
        ("learning_rate", "nan"),
        ("learning_rate", "inf"),
        ("weight_decay", "-0.1"),
        ("validation_fraction", "0.6"),
        ("mirror", "maybe"),
        ("head", "forest"),
        ("l2_strengths", ""),
        ("l2_strengths", "10/1"),
        ("l2_strengths", "0/1"),
        ("inner_folds", "1"),
        ("backbone", " "),
        ("preprocessing", ""),
    ],
)
def test_a_bad_value_is_named_with_what_was_expected(name: str, text: str) -> None:
    with pytest.raises(RecipeError) as caught:
        parse_setting(name, text)
    assert name in caught.value.message
    assert repr(text.strip()) in caught.value.message or text.strip("'") in caught.value.message
    assert "expected" in caught.value.message


def test_an_unknown_setting_names_those_there_are() -> None:
    with pytest.raises(RecipeError, match="unknown setting 'epoch', expected one of: backbone"):
        parse_setting("epoch", "5")
    with pytest.raises(RecipeError, match="unknown setting 'name'"):
        recipe_from("expression", name="mine")


def test_an_unknown_recipe_names_those_there_are() -> None:
    with pytest.raises(RecipeError, match=r"'expresion'.*teachable-machine, expression"):
        recipe_from("expresion")


def test_python_values_are_checked_like_texts() -> None:
    assert recipe_from("expression", learning_rate=1).learning_rate == 1.0
    for bad in ({"epochs": True}, {"epochs": 2.5}, {"learning_rate": float("nan")}):
        with pytest.raises(RecipeError):
            recipe_from("expression", **bad)
    with pytest.raises(RecipeError, match="batch_size is 0"):
        dataclasses.replace(RECIPES["expression"], batch_size=0)


def test_crop_replaces_the_crop_step_alone() -> None:
    recipe = recipe_from("teachable-machine", crop="face(1.3,haar)")
    assert recipe.preprocessing == "orient | crop:face(1.3,haar) | resize:224:lanczos | scale:-1:1"
    both = recipe_from("teachable-machine", crop="centre", preprocessing="crop:x | grey")
    assert both.preprocessing == "crop:centre | grey"
    with pytest.raises(RecipeError, match="no crop step to replace"):
        change(recipe_from("expression", preprocessing="orient | grey"), crop="centre")


@pytest.mark.parametrize("bad", [None, [], {}, {"name": "x"}])
def test_what_is_not_a_recipe_in_json_is_refused(bad: object) -> None:
    with pytest.raises(RecipeError):
        from_plain(bad)


def test_a_recipe_in_json_with_an_odd_value_is_refused() -> None:
    for key in SETTINGS:
        with pytest.raises(RecipeError, match=key):
            from_plain({**to_plain(RECIPES["expression"]), key: {"x": 1}})
    with pytest.raises(RecipeError, match="extra"):
        from_plain({**to_plain(RECIPES["expression"]), "extra": 1})


def test_every_field_has_a_rule_and_a_place_in_the_docstring() -> None:
    assert set(to_plain(RECIPES["expression"])) == {"name", *SETTINGS}
    assert all(f"{key}:" in str(Recipe.__doc__) for key in SETTINGS)
