"""Runs whose models answer, and waiting for jobs: what the tests of the studio share."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np
from starlette.testclient import TestClient

from mien.backbone.network import fold
from mien.backbone.weights import random_backbone
from mien.files import write_json
from mien.model import Model
from mien.model.file import write_model
from mien.records import Dense, Head

PORT = 8765
LINE = f"ws://127.0.0.1:{PORT}/api"
CLASSES = ("angry", "happy")


def make_run(root: Path, name: str = "first", seed: int = 0) -> Path:
    """A run folder whose model answers, though it never learned anything."""
    rng = np.random.default_rng(seed)
    kernel = rng.normal(0, 0.5, (1280, 2)).astype(np.float32)
    model = Model(
        labels=CLASSES,
        preprocessing="orient | crop:centre | resize:32:area | scale:-1:1",
        backbone=fold(random_backbone(seed, size_px=32).weights),
        backbone_name="random",
        backbone_sha256="0" * 64,
        head=Head(layers=(Dense(kernel=kernel, bias=None, activation="softmax"),)),
    )
    folder = root.parent / "runs" / name
    folder.mkdir(parents=True)
    write_model(folder / "model.onnx", model)
    record = {
        "photos": str(root), "saved_seed": 0, "n_photos": 12, "fingerprint": "f" * 64,
        "recipe": {"name": "small"}, "classes": dict.fromkeys(CLASSES, 6),
        "seeds": [{"seed": 0, "validation_accuracy": 0.5, "n_validation": 4}],
    }  # fmt: skip
    write_json(folder / "run.json", record)
    return folder


def names_of(root: Path, label: str) -> list[str]:
    return sorted(p.relative_to(root).as_posix() for p in (root / label).glob("*.*"))


def wait_for(client: TestClient, job: dict[str, Any]) -> dict[str, Any]:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        record: dict[str, Any] = client.get(f"/api/jobs/{job['id']}").json()["job"]
        if record["state"] != "running":
            return record
        time.sleep(0.1)
    raise AssertionError("the job did not end")
