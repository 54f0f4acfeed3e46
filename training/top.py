"""Fits the layer of seven classes over given weights, so that a run may start from them.

    python training/top.py --faces ../shared/faces --weights build/expression/quiet.npz

Writes `<weights>.head.npz` beside the weights: what `train.py` leaves beside each of its own
runs, for weights that come without it, such as those in the package. The network stays as it
is; the layer is a logistic regression on the embeddings of the training faces, plain view and
mirror image. Deterministic: the problem is convex, and nothing in it is drawn.
"""

import argparse
from pathlib import Path

import data
import network
import numpy as np
from evaluate import FRAMING, face_embeddings
from sklearn.linear_model import LogisticRegression

C = 0.003  # of standardised units; the layer only starts a training, so it is not searched for


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--faces", type=Path, required=True)
    parser.add_argument("--weights", type=Path, required=True)
    parser.add_argument("--size", type=int, default=96)
    arguments = parser.parse_args()
    training, validation = data.load(arguments.faces)
    backbone = network.load(arguments.weights)
    x = face_embeddings(backbone, training, size=arguments.size)
    deviation = x.std(0)
    speaks = deviation > 0
    scale = np.where(speaks, 1 / np.where(speaks, deviation, 1), 0)
    mean = x.mean(0)
    top = LogisticRegression(C=C, max_iter=300).fit((x - mean) * scale, training.labels)
    weight = (top.coef_ * scale).astype(np.float32)
    bias = (top.intercept_ - weight @ mean).astype(np.float32)
    held_out = face_embeddings(backbone, validation, size=arguments.size)
    right = ((held_out @ weight.T + bias).argmax(1) == validation.labels).mean()
    out = arguments.weights.with_suffix(".head.npz")
    network.write_npz(out, {"weight": weight, "bias": bias})
    print(f"{out}: {right:.3f} of the validation faces right (framing {FRAMING})")


if __name__ == "__main__":
    main()
