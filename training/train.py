"""Trains the runs behind the built-in backbone `mien-expression`, all stages.

    python training/train.py --faces ../shared/faces \
        --start ../shared/models/teachablemachine-image-model.zip --out build/expression \
        --only first second third

`build.sh` is the one command that does all there is to do, in order.

A training is a list of runs (`runs.py` is their record), a run a list of stages that share
one learning-rate curve. A run starts from the Teachable Machine weights or from an
earlier run and may learn from an earlier run's answers as well as from the labels. After
each epoch a checkpoint is written beside and renamed; the same command goes on from it.

Each core has a process of its own with its share of the batch, and the gradients are
averaged once a step. Threads inside one process wait for each other at every operation,
which on a machine that does other work as well made a step five times slower.

Writes `<out>/<run>.npz` (Keras's names, `network.py`), `<out>/<run>.head.npz` (the layer
of seven classes above it, which is only of use to training) and `<out>/<run>.json`.
"""

import argparse
import copy
import json
import math
import os
import tempfile
import time
from dataclasses import asdict
from pathlib import Path

import augment
import data
import network
import numpy as np
import torch
import torch.distributed
from runs import RUNS, Run
from torch import nn
from torch.nn import functional as F

N_CLASSES = len(data.CLASSES)


def classifier(backbone: network.MobileNetV2, dropout: float) -> nn.Sequential:
    head = nn.Linear(network.EMBEDDING_WIDTH, N_CLASSES)
    return nn.Sequential(backbone, nn.Dropout(dropout), head).to(memory_format=torch.channels_last)


def learning_rate(run: Run, step: int, n_steps: int) -> float:
    """One cycle: a linear rise, then half a cosine down to a hundredth."""
    rise = run.warm_up * n_steps
    if step < rise:
        return run.learning_rate * (step + 1) / rise
    return run.learning_rate * (
        0.01 + 0.99 * (1 + math.cos(math.pi * (step - rise) / (n_steps - rise))) / 2
    )


def class_weights(labels: np.ndarray, power: float) -> torch.Tensor:
    """Weight of a picture of each class: `n ** -power`, mean 1 over the pictures."""
    weights = np.bincount(labels, minlength=N_CLASSES) ** -power
    return torch.tensor(weights / weights[labels].mean(), dtype=torch.float32)


@torch.no_grad()
def follow(average: nn.Module, model: nn.Module, decay: float) -> None:
    """Moves the running average of weights and of batch statistics towards `model`."""
    for a, b in zip(average.state_dict().values(), model.state_dict().values(), strict=True):
        if a.dtype.is_floating_point:
            a.lerp_(b, 1 - decay)


@torch.no_grad()
def predict(model: nn.Module, faces: data.Faces, run: Run, size: int) -> torch.Tensor:
    """Probabilities `(n, 7)`, averaged over the plain view and its mirror image."""
    model.eval()
    probs = []
    for at in range(0, len(faces), 256):
        images = torch.from_numpy(faces.images[at : at + 256])
        framing = torch.tensor(run.framing)[faces.sources[at : at + 256]]
        x = augment.plain_views(images, framing, size=size)
        with torch.autocast("cpu", torch.bfloat16):
            probs.append((model(x).float().softmax(1) + model(x.flip(3)).float().softmax(1)) / 2)
    return torch.cat(probs)


def validate(model: nn.Module, faces: data.Faces, run: Run, size: int) -> dict[str, float]:
    right = predict(model, faces, run, size).argmax(1).numpy() == faces.labels
    by_source = {
        name: float(right[faces.sources == i].mean()) for i, name in enumerate(data.SOURCES)
    }
    return {"all": float(right.mean()), **by_source}


def targets(faces: data.Faces, run: Run, teachers: list[nn.Module]) -> torch.Tensor:
    """What each picture should be answered with, `(n, 7)`: its label, softened.

    A share `run.teacher_share` comes from the mean answer of earlier runs. FER-2013's
    labels are right about two times in three, and the earlier runs, which could not learn
    the mistakes by heart, say where (Bagherinezhad et al., "Label Refinery", 2018).
    """
    labels = F.one_hot(torch.from_numpy(faces.labels), N_CLASSES).float()
    labels = labels * (1 - run.label_smoothing) + run.label_smoothing / N_CLASSES
    if not teachers:
        return labels
    answers = torch.stack(
        [predict(teacher, faces, run, run.stages[-1].size) for teacher in teachers]
    ).mean(0)
    return labels * (1 - run.teacher_share) + answers * run.teacher_share


def load_model(out: Path, name: str, start: Path, dropout: float) -> nn.Sequential:
    """An earlier run's network and its layer of classes, or the start weights."""
    if name == "start":
        return classifier(network.load(start), dropout)
    model = classifier(network.load(out / f"{name}.npz"), dropout)
    with np.load(out / f"{name}.head.npz", allow_pickle=False) as head:
        model[2].load_state_dict({k: torch.from_numpy(head[k]) for k in head.files})
    return model


class Progress:
    """What changes while a run trains: the weights, their average, the optimizer, the history."""

    def __init__(self, model: nn.Sequential, run: Run):
        self.model = model
        self.average = copy.deepcopy(model).eval()
        decayed = [p for p in model.parameters() if p.ndim > 1]
        plain = [p for p in model.parameters() if p.ndim <= 1]
        groups = [
            {"params": decayed, "weight_decay": run.weight_decay},
            {"params": plain, "weight_decay": 0.0},
        ]
        self.optimizer = torch.optim.AdamW(groups, fused=True)
        self.history: list[dict] = []

    def parts(self) -> dict:
        return {"model": self.model, "average": self.average, "optimizer": self.optimizer}

    def save(self, path: Path) -> None:
        state = {name: part.state_dict() for name, part in self.parts().items()}
        beside = path.with_suffix(".part")
        torch.save(state | {"history": self.history}, beside)
        beside.replace(path)

    def load(self, path: Path) -> None:
        state = torch.load(path, weights_only=True)
        for name, part in self.parts().items():
            part.load_state_dict(state[name])
        self.history = state["history"]


def generator(*seeds: int) -> torch.Generator:
    mixed = np.random.SeedSequence(seeds).generate_state(1)[0]
    return torch.Generator().manual_seed(int(mixed))


def average_gradients(model: nn.Module) -> None:
    parameters = list(model.parameters())
    together = torch.cat([p.grad.flatten() for p in parameters])
    torch.distributed.all_reduce(together)
    together /= torch.distributed.get_world_size()
    sizes = [p.numel() for p in parameters]
    for p, gradient in zip(parameters, together.split(sizes), strict=True):
        p.grad.copy_(gradient.view_as(p))


def train_epoch(
    run: Run,
    progress: Progress,
    faces: data.Faces,
    wanted: torch.Tensor,
    *,
    size: int,
    n_epochs: int,
) -> float:
    """One pass over the faces; returns the mean loss of this process's share."""
    rank, n_ranks = torch.distributed.get_rank(), torch.distributed.get_world_size()
    epoch, n_steps, total = len(progress.history), len(faces) // run.batch, 0.0
    order = torch.randperm(len(faces), generator=generator(run.seed, epoch, 0))
    rng = generator(run.seed, epoch, 1 + rank)
    torch.manual_seed(rng.initial_seed())  # for the dropout
    images, framing = torch.from_numpy(faces.images), torch.tensor(run.framing)[faces.sources]
    weights = class_weights(faces.labels, run.class_balance)[torch.from_numpy(faces.labels)]
    model = progress.model.train()
    for i in range(n_steps):
        step = epoch * n_steps + i
        for group in progress.optimizer.param_groups:
            group["lr"] = learning_rate(run, step, n_steps * n_epochs)
        picked = order[i * run.batch : (i + 1) * run.batch][rank::n_ranks]
        x = augment.random_views(
            images[picked], framing[picked], size=size, strength=run.strength, rng=rng
        )
        with torch.autocast("cpu", torch.bfloat16):
            logits = model(x)
        losses = F.cross_entropy(logits.float(), wanted[picked], reduction="none")
        loss = (losses * weights[picked]).mean()
        loss.backward()
        average_gradients(model)
        progress.optimizer.step()
        progress.optimizer.zero_grad(set_to_none=False)
        follow(progress.average, model, min(run.average_decay, (step + 1) / (step + 10)))
        total += loss.item()
    return total / n_steps


def train_run(
    run: Run, training: data.Faces, validation: data.Faces, start: Path, out: Path
) -> dict:
    """Trains one run, or finishes one that was cut off, and returns its record."""
    torch.manual_seed(run.seed)
    progress = Progress(load_model(out, run.start, start, run.dropout), run)
    checkpoint = out / f"{run.name}.checkpoint"
    if checkpoint.exists():
        progress.load(checkpoint)
    wanted = targets(training, run, [load_model(out, name, start, 0.0) for name in run.teachers])
    sizes = [stage.size for stage in run.stages for _ in range(stage.epochs)]
    for size in sizes[len(progress.history) :]:
        began = time.monotonic()
        loss = train_epoch(
            run, progress, training, wanted, size=size, n_epochs=run.curve_epochs or len(sizes)
        )
        entry = {"size_px": size, "loss": loss, "seconds": time.monotonic() - began}
        if torch.distributed.get_rank() == 0:
            entry["validation"] = validate(progress.average, validation, run, size)
            print(run.name, len(progress.history) + 1, json.dumps(entry), flush=True)
            write_weights(progress.average, out, run.name)
        progress.history.append(entry)
        if torch.distributed.get_rank() == 0:
            progress.save(checkpoint)
        torch.distributed.barrier()
    return {"run": asdict(run), "history": progress.history}


def write_weights(model: nn.Sequential, out: Path, name: str) -> None:
    network.write_npz(out / f"{name}.npz", network.to_keras(model[0]))
    head = {k: v.float().numpy() for k, v in model[2].state_dict().items()}
    network.write_npz(out / f"{name}.head.npz", head)


def work(rank: int, n_ranks: int, meeting_point: str, arguments: argparse.Namespace) -> None:
    """What each process does: every run that has no record yet, in order."""
    torch.set_num_threads(1)
    os.environ.setdefault("GLOO_SOCKET_IFNAME", "lo")
    torch.distributed.init_process_group(
        "gloo", init_method=f"file://{meeting_point}", rank=rank, world_size=n_ranks
    )
    training, validation = data.load(arguments.faces)
    for run in RUNS:
        record = arguments.out / f"{run.name}.json"
        if record.exists() or run.name not in arguments.only:
            continue
        result = train_run(run, training, validation, arguments.start, arguments.out)
        torch.distributed.barrier()
        if rank == 0:
            result |= {
                "torch": torch.__version__,
                "faces_sha256": data.fingerprint(arguments.faces),
            }
            record.write_text(json.dumps(result, indent=1) + "\n")
            (arguments.out / f"{run.name}.checkpoint").unlink()
        torch.distributed.barrier()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--faces", type=Path, required=True)
    parser.add_argument("--start", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument(
        "--only",
        nargs="+",
        default=[run.name for run in RUNS],
        help="train these runs; those that they build on must be there",
    )
    parser.add_argument(
        "--processes", type=int, default=2, help="part of the recipe: two made the weights"
    )
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        meeting_point = str(Path(folder) / "meeting")
        torch.multiprocessing.spawn(
            work, (arguments.processes, meeting_point, arguments), nprocs=arguments.processes
        )


if __name__ == "__main__":
    main()
