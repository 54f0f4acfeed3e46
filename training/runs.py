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
        learning_rate: the peak of the one-cycle curve.
        warm_up: share of the steps in which it rises.
        class_balance: a class of `n` pictures weighs `n ** -class_balance` a picture.
        average_decay: of the running average of weights, which is what is kept.
        teachers: earlier runs whose mean answer makes up `teacher_share` of the targets.
    """

    name: str
    stages: tuple[Stage, ...]
    start: str = "start"
    seed: int = 1
    batch: int = 128
    learning_rate: float = 2e-3
    warm_up: float = 0.15
    weight_decay: float = 0.02
    dropout: float = 0.2
    label_smoothing: float = 0.1
    class_balance: float = 0.3
    average_decay: float = 0.998
    teachers: tuple[str, ...] = ()
    teacher_share: float = 0.0


RUNS = (Run(name="first", stages=(Stage(size=64, epochs=10), Stage(size=96, epochs=9))),)
