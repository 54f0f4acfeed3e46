"""The backbones that mien knows: where each is from, what it expects and what it must be.

A literal table and nothing else: a new backbone is one entry here. Nothing is defaulted, and
nothing is read from a disk or a network by importing it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from mien.errors import RecipeError
from mien.fetch import Source
from mien.image.catalogue import TEACHABLE_MACHINE

Kind = Literal["builtin", "download"]


@dataclass(frozen=True, kw_only=True)
class BackboneEntry:
    """What is known of a backbone before it is loaded.

    Attributes:
        name: What recipes and model files call it.
        kind: ``builtin``: its weights lie in this package. ``download``: they come from `source`.
        alpha: MobileNetV2's width multiplier.
        size_px: Side of the square image it takes.
        width: Numbers in an embedding.
        preprocessing: The string it was trained with; what a recipe uses unless it says another.
        sha256: Of its weights (`mobilenet_v2.Weights.sha256`), whatever file they came in.
        licence: SPDX identifier of the weights' licence.
        about: One sentence for the user: what it was trained on and what it is good for.
        file_name: Of a built-in one, in ``backbone/weights/``.
        source: Of a downloaded one.
    """

    name: str
    kind: Kind
    alpha: float
    size_px: int
    width: int
    preprocessing: str
    sha256: str
    licence: str
    about: str
    file_name: str | None
    source: Source | None


BACKBONES: Final[dict[str, BackboneEntry]] = {
    # Made by training/; what it was trained on and how good it is: docs/cards/mien-expression.md.
    "mien-expression": BackboneEntry(
        name="mien-expression",
        kind="builtin",
        alpha=0.35,
        size_px=96,
        width=1280,
        preprocessing="orient | crop:face(0.9,yunet) | resize:96:area | grey | scale:-1:1",
        sha256="d5f9d4518caa2873ac6d681ccbe707ed7898b95910833029e4cbdff003d4b156",
        licence="Apache-2.0",
        about="Made for mien: MobileNetV2 (alpha 0.35) fine-tuned on expressions in grey faces.",
        file_name="mien_expression.npz",
        source=None,
    ),
    "mobilenet-v2-0.35": BackboneEntry(
        name="mobilenet-v2-0.35",
        kind="download",
        alpha=0.35,
        size_px=224,
        width=1280,
        preprocessing=TEACHABLE_MACHINE,
        sha256="993e13205ae53b2aef0231f1625df8133e523d0dbb91f01a70fa3a629e290141",
        licence="Apache-2.0",
        about="Teachable Machine's own: MobileNetV2 (alpha 0.35) trained on ImageNet's objects.",
        file_name=None,
        source=Source(
            name="mobilenet-v2-0.35",
            file_name="teachablemachine-image-model.zip",
            url=(
                "https://raw.githubusercontent.com/googlecreativelab/teachablemachine-community/"
                "55aa0bb84acaa9efcbb9a2068eaefbb72cddae2c/"
                "snippets/converter/image/test/image-model.zip"
            ),
            sha256="13ee9aae89d61ced74ce89d4cd0f1b3b1591d75d0eb1758fb83952afdbb7f39a",
            size_bytes=2_246_262,
            licence="Apache-2.0",
            home="https://github.com/googlecreativelab/teachablemachine-community",
            by_hand=(
                "Or take it out of any Teachable Machine image export: "
                "`mien backbones fetch mobilenet-v2-0.35 --from keras_model.h5`."
            ),
        ),
    ),
}


def backbone_entry(name: str) -> BackboneEntry:
    """The entry called `name`.

    Raises:
        RecipeError: There is none.
    """
    try:
        return BACKBONES[name]
    except KeyError:
        known = ", ".join(sorted(BACKBONES))
        raise RecipeError(
            f"backbone '{name}' is unknown, expected one of: {known}",
            "Run `mien backbones` to see them.",
        ) from None
