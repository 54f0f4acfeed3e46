"""The small models of the audit: doubt, shortcuts, neighbours, and the table."""

import math

import cv2
import numpy as np
import pytest
from sklearn.kernel_ridge import KernelRidge

from mien.audits import kernel
from mien.audits.doubt import Seen, confident, deal, doubt, see
from mien.audits.facts import blur, blurs
from mien.audits.gradients import gradients
from mien.audits.neighbours import nearest
from mien.audits.shortcut import design, one_hot, tell
from mien.audits.skin import skin_class, typology_angle
from mien.audits.tables import Table, collect_next
from mien.audits.trust import chances
from mien.records import Face


def blobs(n: int, seed: int, apart: float = 2.5) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    y = np.arange(n) % 4
    centres = rng.standard_normal((4, 20)) * apart / np.sqrt(2)
    return (centres[y] + rng.standard_normal((n, 20))).astype(np.float32), y


def placed(x: np.ndarray, faces: np.ndarray | None = None) -> Seen:
    return see(x, faces=faces, rng=np.random.default_rng(0))


def test_swapped_labels_rank_first():
    x, y = blobs(400, 1)
    rng = np.random.default_rng(2)
    wrong = rng.choice(400, 20, replace=False)
    given = y.copy()
    given[wrong] = (given[wrong] + rng.integers(1, 4, 20)) % 4
    found = doubt(placed(x), y=given, units=np.arange(400), n_classes=4, rng=rng)
    first = np.argsort(found.rank_score)[:20]
    assert np.isin(first, wrong).mean() >= 0.9
    assert (found.other[wrong] == y[wrong]).mean() >= 0.9
    assert (found.suspect.mean(axis=0) > 0.5)[wrong].mean() >= 0.9


def test_clean_blobs_are_hardly_doubted():
    x, y = blobs(400, 3, apart=4)
    found = doubt(placed(x), y=y, units=np.arange(400), n_classes=4, rng=np.random.default_rng(0))
    assert (found.suspect.mean(axis=0) > 0.5).mean() <= 0.01


def test_probabilities_follow_the_scores():
    x, y = blobs(120, 5)
    found = doubt(placed(x), y=y, units=np.arange(120), n_classes=4, rng=np.random.default_rng(0))
    np.testing.assert_allclose(found.probs.sum(axis=2), 1)
    assert found.share == 0
    assert np.mean(found.accuracy) > 0.9


@pytest.mark.parametrize("faces_tell", [True, False])
def test_the_opinion_that_says_more_has_the_larger_share(faces_tell: bool):
    x, y = blobs(400, 7, apart=3)
    noise = np.random.default_rng(8).standard_normal((400, 30)).astype(np.float32)
    first, second = (noise, x) if faces_tell else (x, noise)
    found = doubt(placed(first, second), y=y, units=np.arange(400), n_classes=4,
                  rng=np.random.default_rng(0))  # fmt: skip
    assert found.share >= 0.8 if faces_tell else found.share <= 0.2
    assert found.accuracy.mean() > 0.9


def test_two_opinions_find_more_than_one():
    x, y = blobs(400, 9, apart=0.9)
    z, _ = blobs(400, 10, apart=0.9)
    rng = np.random.default_rng(2)
    wrong = rng.choice(400, 20, replace=False)
    given = y.copy()
    given[wrong] = (given[wrong] + rng.integers(1, 4, 20)) % 4
    hits = []
    for faces in (None, z):
        found = doubt(placed(x, faces), y=given, units=np.arange(400), n_classes=4,
                      rng=np.random.default_rng(0))  # fmt: skip
        hits.append(np.isin(np.argsort(found.rank_score)[:20], wrong).sum())
    assert 0.3 <= found.share <= 0.7
    assert hits[1] > hits[0]


def test_gradients_do_not_tell_left_from_right_nor_light_from_dark():
    rng = np.random.default_rng(0)
    face = cv2.GaussianBlur(rng.integers(40, 160, (32, 32)).astype(np.uint8), (5, 5), 0)
    lit = (face.astype(float) * 1.4).round().astype(np.uint8)
    plain, mirrored, bright = gradients(np.stack([face, face[:, ::-1], lit]))
    assert plain.shape == (1764,)
    assert plain.dtype == np.float32
    assert 0 <= plain.min() <= plain.max() <= 1
    assert np.corrcoef(mirrored, plain)[0, 1] > 0.98
    assert np.corrcoef(bright, plain)[0, 1] > 0.98
    other = gradients(face.T[None])[0]
    assert np.corrcoef(other, plain)[0, 1] < 0.9


def test_chances_tell_wrong_labels_from_right_ones():
    x, y = blobs(400, 6, apart=3)
    rng = np.random.default_rng(1)
    wrong = rng.choice(400, 20, replace=False)
    given = y.copy()
    given[wrong] = (given[wrong] + rng.integers(1, 4, 20)) % 4
    units = np.arange(400)
    found = doubt(placed(x), y=given, units=units, n_classes=4, rng=rng)
    chance = chances(placed(x), y=given, units=units, n_classes=4, scores=found.rank_score, rng=rng)
    right = np.setdiff1d(np.arange(400), wrong)
    assert np.median(chance[wrong]) > 0.5
    assert np.mean(chance[right] < 0.2) > 0.97
    # One in twenty was wrong, as the chances suppose: they add up to about that many.
    assert 10 <= chance.sum() <= 30
    order = np.argsort(found.rank_score)
    assert (np.diff(chance[order]) <= 1e-9).all()


def test_labels_that_tell_nothing_give_no_chances_to_speak_of():
    rng = np.random.default_rng(3)
    x, y = rng.standard_normal((200, 10)).astype(np.float32), np.arange(200) % 4
    units = np.arange(200)
    found = doubt(placed(x), y=y, units=units, n_classes=4, rng=rng)
    chance = chances(placed(x), y=y, units=units, n_classes=4, scores=found.rank_score, rng=rng)
    assert np.mean(chance >= 0.5) <= 0.02


def test_a_twin_with_the_same_wrong_label_does_not_vouch_for_it():
    x, y = blobs(200, 4)
    x, given = np.concatenate([x, x[:1], x[:1]]), np.concatenate([y, [3, 3]])
    given[0] = 3
    units = np.concatenate([np.arange(200), [0, 0]])
    assert y[0] == 0
    found = doubt(placed(x), y=given, units=units, n_classes=4, rng=np.random.default_rng(0))
    assert found.suspect[:, [0, 200, 201]].all()


def test_the_confident_joint_follows_the_paper_on_a_case_by_hand():
    probs = np.array([[0.9, 0.1], [0.6, 0.4], [0.2, 0.8], [0.8, 0.2], [0.4, 0.6]])
    y = np.array([0, 0, 1, 1, 1])
    # t_0 = 0.75, t_1 = (0.8 + 0.2 + 0.6) / 3 = 0.533: only row 3 is confidently of another class.
    assert confident(probs, y=y).tolist() == [False, False, False, True, False]


def test_held_out_answers_are_scikit_learns_kernel_ridge():
    x, y = blobs(120, 5)
    fold = np.arange(120) % 3
    z = kernel.features(x, rng=np.random.default_rng(0))
    told = kernel.held_out(z, y=y, fold=fold, n_classes=4, penalties=(0.1,))
    assert told.penalty == 0.1
    scaled = (x - x.mean(axis=0)) / (x.std(axis=0) + 1e-6)
    gamma = 0.3 / np.mean(np.sum(scaled**2, axis=1))
    for k in range(3):
        kept, mean = fold != k, np.eye(4)[y[fold != k]].mean(axis=0)
        model = KernelRidge(alpha=0.1, kernel="rbf", gamma=gamma)
        model.fit(scaled[kept], np.eye(4)[y[kept]] - mean)
        theirs = model.predict(scaled[fold == k]) + mean
        np.testing.assert_allclose(told.scores[fold == k], theirs, atol=2e-3)


def test_the_penalty_is_the_one_that_errs_least_on_photos_held_out():
    x, y = blobs(160, 5)
    noise = np.random.default_rng(1).integers(0, 4, 160)
    z, fold = kernel.features(x, rng=np.random.default_rng(0)), np.arange(160) % 5
    clear = kernel.held_out(z, y=y, fold=fold, n_classes=4).penalty
    none = kernel.held_out(z, y=noise, fold=fold, n_classes=4).penalty
    assert clear < none == max(kernel.PENALTIES)


def test_landmarks_stand_in_for_many_photos(monkeypatch: pytest.MonkeyPatch):
    x, y = blobs(400, 5)
    fold = np.arange(400) % 5
    answers = []
    for most in (400, 60):
        monkeypatch.setattr(kernel, "MOST_LANDMARKS", most)
        z = kernel.features(x, rng=np.random.default_rng(0))
        assert z.shape == (400, most)
        answers.append(kernel.held_out(z, y=y, fold=fold, n_classes=4).scores)
    assert np.mean(answers[0].argmax(axis=1) == answers[1].argmax(axis=1)) > 0.97


def test_folds_keep_units_whole_and_classes_even():
    y = np.arange(120) % 3
    units = np.arange(120) // 2
    fold = deal(y, units=units, folds=5, rng=np.random.default_rng(0))
    assert all(len(set(fold[units == unit])) == 1 for unit in range(60))
    counts = np.bincount(fold, minlength=5)
    assert counts.max() - counts.min() <= 8


def test_a_feature_that_gives_the_label_away_is_found_whatever_its_shape():
    rng = np.random.default_rng(0)
    y = np.arange(120) % 3
    # High for one class, low for another, in the middle for the third: no line can follow that.
    value = np.array([0.0, 1.0, 2.0])[y] + 0.1 * rng.standard_normal(120)
    found = tell(value[:, None], labels=y, units=np.arange(120), rng=rng)
    assert found.score > 0.9
    assert found.p == pytest.approx(1 / 200)
    assert found.low <= found.score <= found.high
    assert found.chance == pytest.approx(1 / 3, abs=0.05)


def test_noise_is_called_a_shortcut_as_seldom_as_stated():
    said = 0
    for seed in range(40):
        rng = np.random.default_rng(seed)
        found = tell(
            rng.standard_normal((80, 5)), labels=np.arange(80) % 4, units=np.arange(80), rng=rng
        )
        said += found.p <= 0.05
    assert said <= 7  # of 40 at 5 %: more has probability 0.003


def test_a_large_class_is_no_shortcut():
    rng = np.random.default_rng(1)
    y = (np.arange(200) % 10 == 0).astype(int)
    found = tell(rng.standard_normal((200, 3)), labels=y, units=np.arange(200), rng=rng)
    assert abs(found.score - 0.5) < 0.15


def test_unknown_values_are_a_feature_of_their_own():
    values = np.array([[1.0], [np.nan], [3.0], [np.nan]])
    assert np.isfinite(design(values)).all()
    assert design(values).shape[1] >= 2
    assert one_hot(["b", "a", "b"]).tolist() == [[0, 1], [1, 0], [0, 1]]


def test_neighbours_are_those_of_the_full_matrix():
    rng = np.random.default_rng(0)
    x = rng.standard_normal((50, 8)).astype(np.float32)
    rows = np.arange(50) + 100
    found = {(n.first, n.second) for n in nearest(x, rows=rows, k=1)}
    unit = x - x.mean(axis=0)
    unit /= np.linalg.norm(unit, axis=1, keepdims=True)
    scores = unit @ unit.T - 9 * np.eye(50)
    wanted = {tuple(sorted((i + 100, int(j) + 100))) for i, j in enumerate(scores.argmax(axis=1))}
    assert found == wanted
    assert nearest(x[:1], rows=rows[:1]) == []


def test_blur_rises_with_blur():
    from scipy.ndimage import gaussian_filter

    rng = np.random.default_rng(0)
    sharp = (rng.random((128, 128)) > 0.5).astype(float)
    scores = [blur(gaussian_filter(sharp, sigma)) for sigma in (0.1, 1, 2, 4)]
    assert scores == sorted(scores)
    assert 0 <= scores[0] < 0.4
    assert 0.7 < scores[-1] <= 1
    assert blur(np.zeros((32, 32))) == 1.0
    several = np.stack([gaussian_filter(sharp, sigma) for sigma in (0.1, 1, 2, 4)])
    assert np.allclose(blurs(several), scores, rtol=1e-6)
    assert blur(np.zeros((1, 32), np.float32)) == 1.0


@pytest.mark.parametrize("rgb", [(241, 215, 196), (198, 134, 66), (141, 85, 36), (60, 34, 20)])
def test_skin_angle_is_that_of_opencvs_cielab(rgb):
    image = np.tile(np.array(rgb, dtype=np.uint8), (64, 64, 1))
    lab = cv2.cvtColor((image / 255).astype(np.float32), cv2.COLOR_RGB2LAB)[0, 0]
    angle = typology_angle(image, face=Face(xyxy_px=(0, 0, 64, 64), confidence=1.0))
    assert angle == pytest.approx(math.degrees(math.atan2(lab[0] - 50, lab[2])), abs=0.3)


def test_a_face_of_a_few_pixels_has_no_skin_angle():
    image = np.zeros((64, 64, 3), dtype=np.uint8)
    assert typology_angle(image, face=Face(xyxy_px=(0, 0, 4, 4), confidence=1.0)) is None


def test_skin_classes_have_the_stated_bounds():
    names = [skin_class(a) for a in (56, 50, 30, 20, 0, -40)]
    assert names == ["very light", "light", "intermediate", "tan", "brown", "dark"]


def test_fifty_does_not_divide_by_six():
    table = Table(rows=("a",), columns=tuple("uvwxyz"), counts=((8, 8, 8, 8, 9, 9),))
    answer = collect_next(table)
    assert answer.totals[0] == {"label": "a", "has": 50, "below": 48, "above": 54}
    assert sum(lack.add for lack in answer.cells) == 4
    assert answer.each == 9


def test_photos_of_unknown_groups_are_not_asked_for():
    columns = ("woman white", "unknown white", "unknown unknown")
    table = Table(rows=("a", "b"), columns=columns, counts=((3, 9, 9), (5, 0, 0)))
    answer = collect_next(table)
    assert [(lack.label, lack.group, lack.add) for lack in answer.cells] == [
        ("a", "woman white", 2)
    ]
    assert answer.each == 5
    assert [one["has"] for one in answer.totals] == [3, 5]
    assert collect_next(Table(rows=("a",), columns=("unknown",), counts=((3,),))).cells == ()
