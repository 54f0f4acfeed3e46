"""Silences the units of the embedding that hardly ever speak.

    python training/quiet.py --faces ../shared/faces --weights build/expression/third.npz \
        --out build/expression/mien_expression.npz

Of the 1,280 numbers about 200 carry nearly all that varies between faces. A head that
standardises its input blows the rest up to the same size, and then a unit that stood still
on all training photos may outshout everything on the next one. So a unit whose standard
deviation over training faces is below `--share` times the root mean square of all is set to
a constant 0: scale and shift of its last batch normalisation become 0.
"""

import argparse
from pathlib import Path

import data
import network
import numpy as np
import torch
from evaluate import face_embeddings

N_FACES = 4000
SHARE = 0.5  # 0.5 to 1.2 are alike in cross-validation, 0 is much worse (docs/log.md)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--faces", type=Path, required=True)
    parser.add_argument("--weights", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--size", type=int, default=96)
    parser.add_argument("--share", type=float, default=SHARE)
    arguments = parser.parse_args()
    training, _ = data.load(arguments.faces)
    chosen = np.random.default_rng(0).permutation(len(training))[:N_FACES]
    backbone = network.load(arguments.weights)
    spread = face_embeddings(backbone, training.take(chosen), size=arguments.size).std(0)
    quiet = torch.from_numpy(spread < arguments.share * np.sqrt((spread**2).mean()))
    with torch.no_grad():
        backbone.Conv_1_bn.weight[quiet] = 0
        backbone.Conv_1_bn.bias[quiet] = 0
    network.write_npz(arguments.out, network.to_keras(backbone))
    print(f"{int(quiet.sum())} of {len(quiet)} units silenced")


if __name__ == "__main__":
    main()
