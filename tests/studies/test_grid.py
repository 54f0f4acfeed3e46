from __future__ import annotations

import pytest

from mien.errors import RecipeError
from mien.head.recipe import RECIPES, recipe_from, settings_of
from mien.studies.grid import MOST_CELLS, PRESETS, cells_of, in_words, parse_vary, preset

TM = RECIPES["teachable-machine"]


def test_values_are_read_and_kept_in_order() -> None:
    assert parse_vary(["epochs=100,20", "learning-rate=0.001"]) == {
        "epochs": (100, 20),
        "learning_rate": (0.001,),
    }


def test_a_comma_between_parentheses_belongs_to_the_value() -> None:
    varied = parse_vary(["crop=centre,face(1.1,haar),face(1.3,yunet)"])
    assert varied == {"crop": ("centre", "face(1.1,haar)", "face(1.3,yunet)")}
    cells = cells_of(TM, [varied])
    assert "crop:face(1.3,yunet)" in cells[2].recipe.preprocessing
    assert cells[1].name == "crop=face(1.1,haar)"


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        (["epochs"], "--vary is 'epochs', expected NAME=VALUE"),
        (["=3"], "expected NAME=VALUE"),
        (["epochs="], "--vary epochs has an empty value"),
        (["epochs=20,,50"], "--vary epochs has an empty value in '20,,50'"),
        (["epochs=20,fifty"], "setting epochs is 'fifty', expected a whole number"),
        (["epochs=20,0"], "setting epochs is '0'"),
        (["epoch=20"], "unknown setting 'epoch'"),
        (["epochs=20,20"], "--vary epochs names 20 more than once"),
        (["epochs=20", "epochs=50"], "--vary names epochs twice"),
        (["mirror=no,perhaps"], "setting mirror is 'perhaps', expected yes or no"),
    ],
)
def test_what_is_wrong_with_vary_is_one_clear_error(texts: list[str], message: str) -> None:
    with pytest.raises(RecipeError) as caught:
        parse_vary(texts)
    assert message in str(caught.value)


def test_a_grid_is_the_product_of_its_settings() -> None:
    cells = cells_of(TM, [parse_vary(["epochs=20,50", "learning_rate=0.001,0.01"])])
    assert [cell.name for cell in cells] == [
        "epochs=20, learning_rate=0.001",
        "epochs=20, learning_rate=0.01",
        "epochs=50, learning_rate=0.001",
        "epochs=50, learning_rate=0.01",
    ]
    assert len({cell.key for cell in cells}) == 4


def test_two_ways_to_the_same_recipe_are_one_cell() -> None:
    assert len(cells_of(TM, [{"epochs": (50,)}, {"learning_rate": (0.001, 0.01)}])) == 2


EXPRESSION = recipe_from("expression")


@pytest.mark.parametrize(
    "name", ["epochs", "learning_rate", "batch_size", "hidden_units", "weight_decay"]
)
def test_a_setting_that_makes_no_difference_is_refused(name: str) -> None:
    grid = parse_vary([f"{name}=1,2"])
    with pytest.raises(RecipeError) as caught:
        cells_of(EXPRESSION, [{"mirror": (False, True)}, grid])
    assert f"setting {name} makes no difference to recipe 'expression'" in str(caught.value)
    assert "whose head is logistic" in str(caught.value)
    had = str(caught.value).split("It has: ")[1].split(". Recipes")[0].split(", ")
    assert name not in had
    assert {"head", "mirror_photos", "l2_strengths", "inner_folds"} <= set(had)
    assert str(caught.value).endswith(f"Recipes with {name}: teachable-machine.")
    assert len(cells_of(TM, [grid])) == 2


def test_what_only_the_logistic_head_has_is_refused_for_the_other() -> None:
    with pytest.raises(RecipeError, match=r"setting inner_folds .* whose head is mlp"):
        cells_of(TM, [{"inner_folds": (2, 3)}])
    with pytest.raises(RecipeError, match=r"setting epochs .* 'expression'"):
        cells_of(EXPRESSION, preset("paper"))


def test_every_setting_that_counts_can_be_varied() -> None:
    for recipe in (TM, EXPRESSION):
        for name in settings_of(recipe.head):
            assert len(cells_of(recipe, [{name: (getattr(recipe, name),)}])) == 1
    assert len(cells_of(EXPRESSION, [{"crop": ("centre", "face(1.3,haar)")}])) == 2


def test_kinds_of_head_are_tried_with_what_each_of_them_has() -> None:
    grid = {"head": ("mlp", "logistic"), "epochs": (20, 50), "inner_folds": (3,)}
    assert [dict(cell.vary) for cell in cells_of(EXPRESSION, [grid])] == [
        {"head": "mlp", "epochs": 20},
        {"head": "mlp", "epochs": 50},
        {"head": "logistic", "inner_folds": 3},
    ]


def test_a_cells_key_is_that_of_its_recipe() -> None:
    (cell,) = cells_of(TM, [{"epochs": (70,)}])
    (other,) = cells_of(recipe_from("teachable-machine", epochs=70), [{"batch_size": (16,)}])
    assert cell.key == other.key


def test_the_papers_preset_holds_both_of_its_tables() -> None:
    cells = cells_of(TM, preset("paper"))
    assert len(cells) == 13 + 11 - 1  # 450 epochs at 0.001 stands in both
    assert {cell.recipe.epochs for cell in cells if cell.recipe.learning_rate != 0.001} == {450}
    assert all(cell.recipe.batch_size == 16 for cell in cells)
    assert set(PRESETS) == {"paper"}


def test_an_unknown_preset_names_those_there_are() -> None:
    with pytest.raises(RecipeError, match="unknown preset 'papers', expected one of: paper"):
        preset("papers")


@pytest.mark.parametrize("grids", [[], [{"epochs": ()}]])
def test_an_empty_grid_is_refused(grids: list[dict[str, tuple[int, ...]]]) -> None:
    with pytest.raises(RecipeError, match="the grid is empty"):
        cells_of(TM, grids)


def test_a_grid_that_nobody_could_read_is_refused() -> None:
    with pytest.raises(RecipeError, match=f"at most {MOST_CELLS}"):
        cells_of(TM, [{"epochs": tuple(range(1, MOST_CELLS + 2))}])


@pytest.mark.parametrize(
    ("value", "words"), [(True, "yes"), (0.00005, "5e-05"), ((1.0, 10.0), "1/10"), (20, "20")]
)
def test_values_in_words_are_as_the_command_line_reads_them(value: object, words: str) -> None:
    assert in_words(value) == words  # type: ignore[arg-type]


def test_the_cheaper_of_two_recipes_is_the_simpler() -> None:
    short, long = cells_of(TM, [{"epochs": (20, 700)}])
    (doubled,) = cells_of(TM, [{"epochs": (20,), "mirror": (True,)}])
    (logistic,) = cells_of(TM, [{"head": ("logistic",)}])
    assert logistic.complexity < short.complexity < doubled.complexity < long.complexity
