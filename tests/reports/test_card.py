import numpy as np
import pytest
from tests.korean import english_markdown

from mien.errors import UserError
from mien.exam import examine
from mien.exam.seeds import over_seeds
from mien.reports.card import model_card

LABELS = ["happy|<b>", "sad"]


def run_of(*, tested: bool, shared: bool = False) -> dict[str, object]:
    exam = examine(
        labels=LABELS,
        y_true=[LABELS[i % 2] for i in range(10)],
        probs=np.tile([0.9, 0.1], (10, 1)),
        paths=[str(i) for i in range(10)],
        groups=[{"skin": "brown" if i < 5 else "white"} for i in range(10)],
        shared=["0"] if shared else [],
    ).plain()
    return {
        "classes": {"happy|<b>": 7, "sad": 9},
        "n_photos": 16,
        "fingerprint": "f" * 64,
        "recipe": {"name": "r", "head": "mlp", "preprocessing": "orient", "calibrate": True},
        "backbone": {"name": "b", "sha256": "a" * 64},
        "saved_seed": 3,
        "mien": "0.1",
        "sentences": ["A sentence."],
        "test": {"n": 2, "sentence": "50 % on average"} if tested else None,
        "cross_validation": None,
        "exam": exam if tested else None,
    }


def test_a_card_says_what_was_seen_how_good_it_is_and_what_it_is_not_for() -> None:
    card = model_card(run_of(tested=True))
    for heading in ("Training photos", "Recipe", "Scores", "by class", "by group", "Limits"):
        assert heading in card
    assert "5 of 5" in card
    assert "Art. 5(1)(f)" in card
    assert "white" in card
    assert "Test accuracy over seeds: 50 % on average." in card


def test_names_cannot_break_out_of_their_cell() -> None:
    card = model_card(run_of(tested=True))
    assert r"happy\|\<b\>" in card
    assert "<b>" not in card.replace(r"\<b\>", "")


def test_a_card_without_a_test_says_that_nothing_is_known() -> None:
    card = model_card(run_of(tested=False))
    assert "Nothing is known of new photos: there was no test." in card
    assert "by class" not in card


def test_a_leak_is_the_first_of_the_limits() -> None:
    card = model_card(run_of(tested=True, shared=True))
    assert "## Limits\n\n- Leak: 1 of the 10 test photos" in card


@pytest.mark.parametrize("tested", [True, False])
def test_a_card_in_korean_says_all_of_it_in_korean(tested: bool) -> None:
    run = run_of(tested=tested, shared=True)
    run["sentences"] = run["exam"]["sentences"] if tested else []
    run["test"] = {"n": 2, "sentence": over_seeds([0.4, 0.6]).sentence} if tested else None
    run["sources"] = {
        "by_licence": {"CC0": 7}, "by_source": {"openverse": 7}, "n_unknown": 9,
    }  # fmt: skip
    card = model_card(run, language="ko")
    names = ["happy b sad skin brown white", "CC openverse", "sources RUN"]
    assert english_markdown(card, names=names) == []
    assert "제5조 제1항 (f)" in card
    assert r"happy\|\<b\>" in card
    assert " %" not in card


def test_groups_too_small_to_be_rated_are_counted_instead_of_listed() -> None:
    run = run_of(tested=True)
    run["cross_validation"] = {
        "sentence": "50 % in folds",
        "per_class": [{"name": "sad", "n": 9, "accuracy": None}],
        "per_group": [{"name": f"person=p{k}", "n": 2, "accuracy": None} for k in range(46)],
    }
    card = model_card(run)
    assert "| sad | 9 | cannot be said |" in card
    assert "person=" not in card
    assert "\n\nand 46 more, with too few photos to say.\n\n" in card
    assert "more, with too few" not in model_card(run_of(tested=True))


def test_a_card_is_in_a_language_that_there_is() -> None:
    with pytest.raises(UserError, match="language is 'fr', expected one of en, ko"):
        model_card(run_of(tested=False), language="fr")
