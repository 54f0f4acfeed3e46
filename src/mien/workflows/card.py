"""The model card of a run: what the model is for, on what it was trained, how good it is.

Filled from the run's record alone; it computes nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mien.workflows.train import TrainRecord


def model_card(record: TrainRecord) -> str:
    """The card in Markdown."""
    rows = "\n".join(f"| {label} | {n} |" for label, n in record.classes.items())
    score = "\n".join(f"- {sentence}" for sentence in record.sentences)
    return f"""# Model card

Classifies a photo into: {", ".join(record.classes)}. It names the class that a photo looks like
among the photos it was trained on; it does not know what a person feels.

## Training photos

| class | photos |
|---|---|
{rows}

Recipe `{record.recipe["name"]}`, backbone `{record.backbone["name"]}`,
seed {record.saved_seed}, mien {record.mien}.

## Scores

{score}

## Not for

Inferring emotions of people at work or in education is forbidden in the EU
(AI Act, Regulation (EU) 2024/1689, Art. 5(1)(f)). Do not decide about people with it.
"""
