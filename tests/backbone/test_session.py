from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from mien.backbone.session import Session, open_session
from mien.backbone.weights import random_backbone
from mien.errors import ModelError


@pytest.fixture(scope="module")
def session() -> Session:
    return open_session(random_backbone(0, size_px=32))


def draw(n: int) -> np.ndarray:
    return np.random.default_rng(5).uniform(-1, 1, (n, 32, 32, 3)).astype(np.float32)


def test_an_embedding_does_not_depend_on_the_batch_it_came_in(session: Session) -> None:
    images = draw(5)
    together = session.embed(images)
    alone = np.concatenate([session.embed(images[i : i + 1]) for i in range(5)])
    assert together.dtype == np.float32
    assert together.tobytes() == alone.tobytes()


def test_many_threads_get_the_same_bytes_as_one(session: Session) -> None:
    images = draw(24)
    with ThreadPoolExecutor(4) as pool:
        rows = list(pool.map(lambda i: session.embed(images[i : i + 1]), range(24)))
    assert np.concatenate(rows).tobytes() == session.embed(images).tobytes()


def test_no_images_give_no_embeddings(session: Session) -> None:
    assert session.embed(draw(0)).shape == (0, 1280)


@pytest.mark.parametrize("shape", [(1, 64, 64, 3), (1, 32, 32, 4), (1, 32, 31, 3)])
def test_images_of_another_size_are_refused(session: Session, shape: tuple[int, ...]) -> None:
    with pytest.raises(ModelError, match=r"the backbone takes \(32, 32, 3\)"):
        session.embed(np.zeros(shape, np.float32))
