"""Judges weights as the product would use them: on photos they never saw.

    python training/evaluate.py --weights build/expression/mien_expression.npz \
        --photos ../shared/paper/train --detector ../shared/models/yunet_n_640_640.onnx \
        --faces ../shared/faces

On the photos: YuNet's box, a square crop, grey, the embedding averaged over the crop and
its mirror image, standardised, a multinomial logistic head whose C is chosen on the
training folds alone; 10 times 10-fold stratified cross-validation. On the faces: how
well a logistic head on the training split of the faces does on their validation split
(the five classes of the study). Prints tables and writes JSON. The crop of a photo in
which no face is found is its centre square.
"""

import argparse
import csv
import json
import warnings
from pathlib import Path

import augment
import cv2
import data
import network
import numpy as np
import torch
from PIL import Image, ImageOps
from scipy.stats import norm
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold

DETECTION_SIDES_PX = (320, 640)  # the next where the one before finds nothing
FRAMING = (1.00, 0.58)  # share of a picture of each set that the product's crop shows
FILTERS = {
    name: getattr(Image.Resampling, name.upper()) for name in ("bilinear", "bicubic", "lanczos")
}
FILTERS["area"] = Image.Resampling.BOX
C_GRID = tuple(10.0**e for e in np.arange(-4.5, -0.9, 0.5))


def wilson(right: float, n: int, level: float = 0.95) -> list[float]:
    """Wilson's interval of a share (JASA 22, 1927); `right` may be a mean of counts."""
    z, p = norm.ppf((1 + level) / 2), right / n
    middle = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z * np.sqrt(p * (1 - p) / n + z * z / (4 * n * n)) / (1 + z * z / n)
    return [float(middle - half), float(middle + half)]


def read_photos(folder: Path) -> tuple[list[Image.Image], list[dict[str, str]]]:
    with (folder / "groups.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    photos = [
        ImageOps.exif_transpose(Image.open(folder / row["path"])).convert("RGB") for row in rows
    ]
    return photos, rows


def find_face(photo: Image.Image, detector) -> tuple[float, float, float] | None:
    """Middle and longer side `(x, y, side)`, px, of the largest confident face."""
    for side in DETECTION_SIDES_PX:
        scale = min(1.0, side / max(photo.size))
        size = (round(photo.width * scale), round(photo.height * scale))
        small = np.asarray(photo.resize(size, Image.Resampling.BOX))
        detector.setInputSize(size)
        faces = detector.detect(np.ascontiguousarray(small[:, :, ::-1]))[1]
        if faces is not None:
            break
    else:
        return None
    x, y, w, h = max(faces, key=lambda face: face[2] * face[3])[:4] / scale
    return float(x + w / 2), float(y + h / 2), float(max(w, h))


def crop(photo: Image.Image, face, *, factor: float, size: int, filter: str = "area") -> np.ndarray:
    """Grey uint8 `(size, size)`; where the square leaves the photo, its edge goes on."""
    x, y, side = face or (photo.width / 2, photo.height / 2, min(photo.size) / factor)
    half = side * factor / 2
    box = np.array([x - half, y - half, x + half, y + half])
    margin = int(max(0, -box.min(), box[2] - photo.width, box[3] - photo.height)) + 1
    pixels = np.asarray(photo.convert("L"))
    padded = Image.fromarray(np.pad(pixels, margin, mode="edge"))
    return np.asarray(padded.resize((size, size), FILTERS[filter], box=tuple(box + margin)))


@torch.no_grad()
def embed(backbone: torch.nn.Module, crops: np.ndarray) -> np.ndarray:
    """Embeddings `(n, 1280)` of grey crops `(n, s, s)`, each averaged with its mirror's."""
    x = augment.as_input(torch.from_numpy(crops).unsqueeze(1).float() / 255)
    parts = [(backbone(part) + backbone(part.flip(3))) / 2 for part in x.split(128)]
    return torch.cat(parts).numpy()


def standardise(train: np.ndarray, test: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Zero mean and unit spread by `train`, then turned into its row space.

    The turn changes no distance, so a logistic head with an L2 penalty answers the same;
    it has 221 numbers a photo to fit instead of 1,280.
    """
    mean, spread = train.mean(0), train.std(0) + 1e-6
    train, test = (train - mean) / spread, (test - mean) / spread
    if train.shape[0] < train.shape[1]:
        turn = np.linalg.svd(train, full_matrices=False)[2].T
        train, test = train @ turn, test @ turn
    return train, test


def fit(x: np.ndarray, y: np.ndarray, c: float) -> LogisticRegression:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return LogisticRegression(C=c, max_iter=100, tol=1e-3).fit(x, y)


def choose_c(x: np.ndarray, y: np.ndarray, seed: int, n_folds: int = 5) -> float:
    """The C of the smallest log loss in a cross-validation inside `x`."""
    losses = np.zeros(len(C_GRID))
    for train, test in StratifiedKFold(n_folds, shuffle=True, random_state=seed).split(x, y):
        a, b = standardise(x[train], x[test])
        for i, c in enumerate(C_GRID):
            head = fit(a, y[train], c)
            p = head.predict_proba(b)[np.arange(len(test)), np.searchsorted(head.classes_, y[test])]
            losses[i] -= np.log(p + 1e-9).sum()
    return C_GRID[int(losses.argmin())]


def cross_validate(x: np.ndarray, y: np.ndarray, *, repeats: int = 10, seed: int = 0) -> np.ndarray:
    """Predicted labels `(repeats, n)`, each from heads that did not see the photo."""
    predicted = np.empty((repeats, len(y)), dtype=y.dtype)
    for repeat in range(repeats):
        folds = StratifiedKFold(10, shuffle=True, random_state=seed + repeat)
        for train, test in folds.split(x, y):
            c = choose_c(x[train], y[train], seed + repeat)
            a, b = standardise(x[train], x[test])
            predicted[repeat, test] = fit(a, y[train], c).predict(b)
    return predicted


def quick_accuracy(x: np.ndarray, y: np.ndarray, *, repeats: int = 3) -> dict[str, float]:
    """Cross-validated accuracy and log loss at the best single C: for choices only."""
    right, loss, n = np.zeros(len(C_GRID)), np.zeros(len(C_GRID)), len(y) * repeats
    for repeat in range(repeats):
        for train, test in StratifiedKFold(10, shuffle=True, random_state=100 + repeat).split(x, y):
            a, b = standardise(x[train], x[test])
            for i, c in enumerate(C_GRID[1:7], 1):
                head = fit(a, y[train], c)
                p = head.predict_proba(b)
                right[i] += (head.classes_[p.argmax(1)] == y[test]).sum()
                at = np.searchsorted(head.classes_, y[test])
                loss[i] -= np.log(p[np.arange(len(test)), at]).sum()
    best = 1 + int(loss[1:7].argmin())
    return {"accuracy": right[best] / n, "log_loss": loss[best] / n, "c": C_GRID[best]}


def score(right: np.ndarray) -> dict:
    """Mean over repeats with the interval over photos; `right` is `(repeats, n)`."""
    n = right.shape[1]
    return {
        "n": n,
        "accuracy": float(right.mean()),
        "sd_over_repeats": float(right.mean(1).std(ddof=1)) if len(right) > 1 else 0.0,
        "interval": wilson(right.mean(0).sum(), n),
    }


def judge_photos(backbone, folder: Path, detector: Path, *, size: int, factor: float) -> dict:
    yunet = cv2.FaceDetectorYN.create(str(detector), "", (320, 320), 0.6, 0.3, 50)
    photos, rows = read_photos(folder)
    faces = [find_face(photo, yunet) for photo in photos]
    crops = np.stack(
        [crop(p, f, factor=factor, size=size) for p, f in zip(photos, faces, strict=True)]
    )
    y = np.array([row["label"] for row in rows])
    predicted = cross_validate(embed(backbone, crops), y)
    right = predicted == y
    groups = np.array([f"{row['skin']} {row['gender']}" for row in rows])
    labels = sorted(set(y))
    confusion = [
        [float((predicted[:, y == a] == b).sum() / len(predicted)) for b in labels] for a in labels
    ]
    return {
        "no_face": sum(face is None for face in faces),
        "all": score(right),
        "by_class": {label: score(right[:, y == label]) for label in labels},
        "by_group": {group: score(right[:, groups == group]) for group in sorted(set(groups))},
        "confusion": {"labels": labels, "matrix": confusion},
    }


def face_embeddings(backbone, faces: data.Faces, *, size: int) -> np.ndarray:
    """Embeddings `(n, 1280)` of faces, framed as the product frames a photo's."""
    images, framing = torch.from_numpy(faces.images), torch.tensor(FRAMING)[faces.sources]
    framed = augment.frame(images.unsqueeze(1).float(), framing, size=size, rng=None)[:, 0]
    return embed(backbone, framed.clamp(0, 255).round().to(torch.uint8).numpy())


def judge_faces(backbone, folder: Path, *, size: int, n_train: int = 8000) -> dict:
    """A logistic head on some training faces, judged on the validation faces."""
    training, validation = data.load(folder)
    chosen = np.random.default_rng(0).permutation(np.flatnonzero(training.labels < 5))[:n_train]
    training, validation = training.take(chosen), validation.take(validation.labels < 5)

    a, b = standardise(
        face_embeddings(backbone, training, size=size),
        face_embeddings(backbone, validation, size=size),
    )
    right = fit(a, training.labels, 1e-2).predict(b) == validation.labels
    by_source = {
        name: score(right[None, validation.sources == i]) for i, name in enumerate(data.SOURCES)
    }
    return {"all": score(right[None]), **by_source}


def print_scores(title: str, scores: dict[str, dict]) -> None:
    print(f"\n{title:<28}{'n':>6}{'right':>9}   95 % interval (Wilson)")
    for name, s in scores.items():
        low, high = s["interval"]
        print(f"{name:<28}{s['n']:>6}{s['accuracy']:>9.3f}   {low:.3f} to {high:.3f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--weights", type=Path, required=True)
    parser.add_argument(
        "--photos", type=Path, help="folder with groups.csv (path, label, skin, gender)"
    )
    parser.add_argument("--detector", type=Path, help="yunet_n_640_640.onnx")
    parser.add_argument("--faces", type=Path)
    parser.add_argument("--size", type=int, default=96)
    parser.add_argument(
        "--factor", type=float, default=0.9, help="side of the crop / side of the box"
    )
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    backbone, result = (
        network.load(arguments.weights),
        {"size_px": arguments.size, "factor": arguments.factor},
    )
    if arguments.photos:
        result["photos"] = judge_photos(
            backbone,
            arguments.photos,
            arguments.detector,
            size=arguments.size,
            factor=arguments.factor,
        )
        print_scores("photos, 10 x 10-fold", {"all": result["photos"]["all"]})
        print_scores("by class", result["photos"]["by_class"])
        print_scores("by group", result["photos"]["by_group"])
    if arguments.faces:
        result["faces"] = judge_faces(backbone, arguments.faces, size=arguments.size)
        print_scores("faces kept for validation", result["faces"])
    if arguments.json:
        arguments.json.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
