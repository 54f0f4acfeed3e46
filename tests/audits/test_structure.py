from __future__ import annotations

import numpy as np
import pytest

from mien.audits.alike import most_alike
from mien.audits.perceptual import CROPS, ODD_CROPS
from mien.audits.structure import agreements, structure, structures, turned
from mien.face.resize import opencv


def pictures(n: int, *, side: int = 64, seed: int = 0) -> np.ndarray:
    """Blobs rather than noise, so that cells differ and some pictures agree."""
    rng = np.random.default_rng(seed)
    rough = rng.integers(0, 256, (n, 9, 9)).astype(np.uint8)
    size = (side, side)
    return np.stack([opencv().resize(one, size, interpolation=2) for one in rough])


def test_a_row_is_the_cells_less_their_surroundings() -> None:
    (picture,) = pictures(1, side=72)
    cells = picture.reshape(24, 3, 24, 3).mean(axis=(1, 3)).astype(np.float32)
    around = opencv().blur(cells, (5, 5), borderType=opencv().BORDER_REPLICATE)
    fine = cells - around
    fine -= fine.mean()
    (row,) = structure(picture[None])
    # Halves under mirroring hold what the cells hold: the same mean, the same length.
    assert np.linalg.norm(row) == pytest.approx(1, abs=1e-5)
    left, right = fine[:, :12], fine[:, :11:-1]
    told = np.concatenate([((left + right) / 2**0.5).ravel(), ((left - right) / 2**0.5).ravel()])
    assert np.allclose(row, told / np.linalg.norm(told), atol=1e-5)


@pytest.mark.parametrize("side", [32, 64])
def test_products_are_correlations_also_with_mirror_images(side: int) -> None:
    a, b = pictures(20, side=side), pictures(20, side=side, seed=1)
    rows, others = structure(a), structure(b)
    flipped = structure(np.ascontiguousarray(b[:, :, ::-1]))
    assert np.allclose(turned(others), flipped, atol=1e-5)
    plain, mirrored = agreements(rows, others)
    assert np.allclose(plain, (rows * others).sum(axis=1), atol=1e-5)
    assert np.allclose(mirrored, (rows * flipped).sum(axis=1), atol=1e-5)
    assert np.abs(plain - mirrored).max() > 0.1


def test_all_crops_at_once_have_the_structure_of_each_alone() -> None:
    some, crops = pictures(3), (*CROPS, *ODD_CROPS)
    alone = np.stack([structure(some, crop=crop) for crop in crops], axis=1)
    assert np.allclose(structures(some, crops=crops), alone, atol=1e-6)


def test_a_crop_is_what_is_left_of_the_picture() -> None:
    (picture,) = pictures(1, side=96)
    (cut,) = structure(picture[None], crop=(0.25, 0.125, 0.5, 0.5))
    (alone,) = structure(picture[None, 12:60, 24:72])
    assert np.allclose(cut, alone, atol=1e-5)


@pytest.mark.parametrize("value", [0, 77, 250, 255])
def test_an_even_picture_has_no_structure_but_rounding(value: int) -> None:
    rows = structure(np.full((2, 64, 64), value, dtype=np.uint8))
    assert np.abs(rows @ rows.T).max() < 0.05  # far below what nominates a pair


@pytest.mark.parametrize("n", [0, 1, 2, 5, 1700])
@pytest.mark.parametrize("least", [0.3, -1.0])
def test_the_most_alike_are_those_of_a_search_over_all(n: int, least: float) -> None:
    rng = np.random.default_rng(n)
    rows = rng.standard_normal((n, 576)).astype(np.float32)
    rows[n // 2 :, :40] += 4  # some agree
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    for other, found in zip((rows, turned(rows)), most_alike(rows, k=3, least=least), strict=True):
        products = rows @ other.T
        np.fill_diagonal(products, -np.inf)
        expected = {
            (min(i, j), max(i, j)): products[i, j]
            for i, best in enumerate(np.argsort(-products, axis=1)[:, :3].tolist())
            for j in best
            if j != i and products[i, j] > least
        }
        told = dict(zip(map(tuple, found.rows.tolist()), found.agreed.tolist(), strict=True))
        assert told.keys() == expected.keys()
        assert all(told[pair] == pytest.approx(expected[pair], abs=1e-5) for pair in told)
