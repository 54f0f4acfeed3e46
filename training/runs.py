"""The runs behind the committed weights: every setting, in the order of their making."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Stage:
    size: int
    epochs: int


@dataclass(frozen=True, kw_only=True)
class Run:
    """One training from a start to its averaged weights.

    Attributes:
        start: the run to start from, or `start` for Teachable Machine's weights.
        stages: input size in pixels and number of epochs, small and quick first.
        curve_epochs: how many epochs the one-cycle curve is laid out for; None for all of them.
        learning_rate: the peak of the one-cycle curve.
        warm_up: share of the steps in which it rises.
        framing: side of the middle view / side of the picture, FER-2013 and the other set.
        strength: of the changes to sharpness, light and by cut-outs in `augment.py`.
        class_balance: a class of `n` pictures weighs `n ** -class_balance` a picture.
        average_decay: of the running average of weights, which is what is kept.
        teachers: earlier runs whose mean answer makes up `teacher_share` of the targets.
    """

    name: str
    stages: tuple[Stage, ...]
    start: str = "start"
    seed: int = 1
    batch: int = 128
    curve_epochs: int | None = None
    learning_rate: float = 2e-3
    warm_up: float = 0.15
    weight_decay: float = 0.02
    dropout: float = 0.2
    framing: tuple[float, float] = (1.00, 0.72)
    strength: float = 1.0
    label_smoothing: float = 0.1
    class_balance: float = 0.3
    average_decay: float = 0.998
    teachers: tuple[str, ...] = ()
    teacher_share: float = 0.0


# Weights that `quiet.py` made of a run's, under the name that later runs start from.
SILENCED = {"quiet": "third"}

RUNS = (
    Run(name="first", stages=(Stage(size=64, epochs=10), Stage(size=96, epochs=9))),
    # The first run learnt nothing by heart (its training loss was no better than its validation
    # loss), so the second takes milder views, no dropout, and softer, cleaner targets. And its
    # embeddings were best on crops 0.8 times as wide as the detector's box, because that is what
    # FER-2013 shows, so the second frames the other set alike: 0.8 of the box is 0.57 of a picture.
    Run(
        name="second",
        start="first",
        # Laid out for 27 epochs and stopped after ten: the third lets the rate fall to nothing.
        stages=(Stage(size=96, epochs=10),),
        curve_epochs=27,
        seed=2,
        learning_rate=1.5e-3,
        warm_up=0.05,
        framing=(1.00, 0.58),
        strength=0.6,
        dropout=0.0,
        label_smoothing=0.05,
        average_decay=0.999,
        teachers=("first",),
        teacher_share=0.3,
    ),
    Run(
        name="third",
        start="second",
        stages=(Stage(size=96, epochs=7),),
        seed=3,
        learning_rate=1.2e-3,
        warm_up=0.02,
        framing=(1.00, 0.58),
        strength=0.6,
        dropout=0.0,
        label_smoothing=0.05,
        average_decay=0.998,
        teachers=("first", "second"),
        teacher_share=0.3,
    ),
    # From what the package held (the third, its quiet units silenced: `quiet.npz`, with the layer
    # of `top.py`), for the loss was still falling: as long again, down to nothing in the end.
    Run(
        name="fourth",
        start="quiet",
        stages=(Stage(size=96, epochs=18),),
        seed=4,
        learning_rate=1.5e-3,
        warm_up=0.06,
        framing=(1.00, 0.58),
        strength=0.6,
        dropout=0.0,
        label_smoothing=0.05,
        average_decay=0.998,
        teachers=("quiet",),
        teacher_share=0.3,
    ),
)
