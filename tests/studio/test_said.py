"""The catalogue of Korean sentences knows what the verbs say."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import mien
import mien.audits.checks
from mien.errors import PhotoError
from mien.exam import compare, examine
from mien.exam.verdict import judge
from mien.image.decode import decode
from mien.studio import texts
from mien.studio.said import answer_in, in_language, knows

CATALOGUES = {
    f"{package} {language}": json.loads(path.read_text("utf-8"))
    for package in ("reports", "studio")
    for language in texts.LANGUAGES
    if (path := Path(mien.__path__[0]) / package / "texts" / f"said.{language}.json").is_file()
}
# Their sentences are put together of parts that a look at the source does not show.
BY_HAND = {"per_photo", "shortcuts", "test_classes", "grey", "label_doubt"}
CHECKS = [
    path
    for path in sorted(Path(next(iter(mien.audits.checks.__path__))).glob("*.py"))
    if path.stem not in BY_HAND
]
SAID_BY = ("found", "passed", "not_applicable", "skipped")
# What a call in a sentence gives.
CALLS = {"percent": "30 %", "some": "a.jpg, b.jpg and 3 more",
         "_some_pairs": "a.jpg = b.jpg (same bytes)"}  # fmt: skip


@pytest.mark.parametrize("part", ["messages", "fragments"])
@pytest.mark.parametrize("catalogue", CATALOGUES)
def test_translations_use_only_what_the_sentence_holds(catalogue: str, part: str) -> None:
    hole = re.compile(r"\{(\w+)(?::[^}]+)?\}")
    for english, words in CATALOGUES[catalogue][part].items():
        assert set(hole.findall(words)) <= set(hole.findall(english)) - {"_"}, english


@pytest.mark.parametrize("path", CHECKS, ids=lambda path: path.stem)
def test_every_sentence_of_every_check_is_known(path: Path) -> None:
    unknown = [one for one in sentences_of(path) if not knows("ko", one)]
    assert not unknown


def test_the_checks_sentences_are_found_at_all() -> None:
    assert sum(len(list(sentences_of(path))) for path in CHECKS) > 60


def sentences_of(path: Path) -> Iterator[str]:
    """The sentences in a check's source, with stand-ins for what is computed."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for function in ast.walk(tree):
        if isinstance(function, ast.ClassDef):
            yield from sentences_of_photo_check(function)
        if not isinstance(function, ast.FunctionDef):
            continue
        names = local_texts(function)
        for call in ast.walk(function):
            if isinstance(call, ast.Call):
                yield from sentences_of_call(call, names)


def sentences_of_photo_check(check: ast.ClassDef) -> Iterator[str]:
    """What a check says that asks every photo for itself."""
    said = {
        one.targets[0].id: ast.literal_eval(one.value)
        for one in check.body
        if isinstance(one, ast.Assign) and isinstance(one.targets[0], ast.Name)
    }
    if "says" in said:
        one, many = said["says"]
        yield f"1 photo {one}: a.jpg. {said['advice']}"
        yield f"5 photos {many}: a.jpg, b.jpg, c.jpg and 2 more. {said['advice']}"
        yield said["clean"]


def local_texts(function: ast.FunctionDef) -> dict[str, ast.expr]:
    assigned = [one for one in ast.walk(function) if isinstance(one, ast.Assign)]
    return {
        one.targets[0].id: one.value
        for one in assigned
        if isinstance(one.targets[0], ast.Name) and is_text(one.value)
    }


def is_text(node: ast.expr) -> bool:
    if isinstance(node, ast.BinOp):
        return is_text(node.left) or is_text(node.right)
    return isinstance(node, ast.JoinedStr) or (
        isinstance(node, ast.Constant) and isinstance(node.value, str)
    )


def sentences_of_call(call: ast.Call, names: dict[str, ast.expr]) -> Iterator[str]:
    called = (
        call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    )
    if called in SAID_BY:
        words = call.args[1] if called == "found" else call.args[0]
        if is_text(words) or (isinstance(words, ast.Name) and words.id in names):
            yield spoken(words, names)


def spoken(node: ast.expr, names: dict[str, ast.expr]) -> str:
    if isinstance(node, ast.Constant):
        return str(node.value)
    if isinstance(node, ast.JoinedStr):
        return "".join(spoken(part, names) for part in node.values)
    if isinstance(node, ast.BinOp):
        return spoken(node.left, names) + spoken(node.right, names)
    if isinstance(node, ast.FormattedValue):
        return spoken(node.value, names)
    if isinstance(node, ast.IfExp):
        return spoken(node.body, names)
    if isinstance(node, ast.Name) and node.id in names:
        return spoken(names[node.id], names)
    if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "count":
        return f"3 {ast.literal_eval(node.args[1])}s"
    if isinstance(node, ast.Call):
        return CALLS.get(getattr(node.func, "id", ""), "3")
    return "3"


@pytest.mark.parametrize(
    ("english", "korean"),
    [
        ("1 photo of 9 is grey, the others are not: a.jpg. A backbone that sees grey does not "
         "care; others may learn it.",
         "사진 9장 중 1장만 흑백입니다: a.jpg. 흑백으로 보는 백본은 상관없지만 다른 백본은 "
         "그 차이를 배울 수 있습니다."),
        ("2 labels in doubt, 1 of them likelier wrong than right were one label in twenty wrong: "
         "a.jpg (rather 'sad'), b.jpg (rather 'happy'). Look at them, most doubtful first; "
         "models that had not seen them are right in 81 % of all photos.",
         "라벨 2개가 의심스럽고, 스무 개 중 하나가 틀렸다고 볼 때 그중 1개는 틀렸을 가능성이 더 "
         "큽니다: a.jpg ('sad' 쪽), b.jpg ('happy' 쪽). 가장 의심스러운 것부터 "
         "확인하세요. 그 사진을 보지 않은 모델의 전체 정답률은 81%입니다."),
        ("The background alone tells the class and the skin: class 60 % (50 % to 70 %, chance "
         "20 %); skin 71 % (60 % to 80 %, chance 33 %). A model may learn that instead; mix the "
         "sources of the photos.",
         "배경만으로 알아맞힐 수 있는 것이 있습니다(클래스 · skin): 클래스 60%(50%~70%, 찍기 20%); "
         "skin 71%(60%~80%, 찍기 33%). 모델이 표정 대신 이것을 배울 수 있으니 여러 곳의 사진을 "
         "섞으세요."),
        ("Classes only among the test photos: bored; only among the training photos: angry. A "
         "class that is not tested has no score; one that is not trained cannot be named.",
         "시험 사진에만 있는 클래스: bored. 학습 사진에만 있는 클래스: angry. 시험하지 않은 "
         "클래스는 점수가 없고, 배우지 않은 클래스는 답할 수 없습니다."),
        ("2 files could not be used: 'happy/a.jpg' is empty, 'sad/b.png' is a broken PNG (cut).",
         "파일 2개를 쓸 수 없습니다: 'happy/a.jpg' 비어 있습니다, 'sad/b.png' 깨진 PNG 파일입니다"
         "(cut)."),
        ("On the 30 test photos: ours is better than its best model: 27 against 19 of 30, p = 0.1.",
         "시험 사진 30장: mien의 모델이 그 연구의 최고 모델보다 낫습니다. 30장 중 27장 대 19장 "
         "정답, p = 0.1."),
        ("On the 30 test photos: no evidence of a difference: 21 against 19 of 30, p = 0.73; this "
         "test set could show a difference of 6 photos at best.",
         "시험 사진 30장: 두 모델에 차이가 있다는 증거가 없습니다: 30장 중 21장 대 19장 정답, "
         "p = 0.73. 이 시험 사진으로는 6장 이상의 차이만 보일 수 있습니다."),
        ("Ours is better by 36 points: 80 % against 43 % by cross-validation on the training "
         "photos (95 % interval +28 to +44 points, p < 0.001).",
         "mien의 학습법이 36%p 높습니다: 학습 사진의 교차 검증에서 80% 대 43%(95% 구간 +28~+44%p, "
         "p < 0.001)."),
        ("For an even table of training photos, collect sad man unknown +4, sad woman +2 and a few "
         "of 27 other cells.",
         "학습 사진의 표를 고르게 하려면 더 모으세요: sad man 알 수 없음 +4, sad woman +2, 그 밖의 "
         "칸 27개에도 몇 장씩."),
        ("3 of 5 trainings diverged (seed 1: the loss is not a number from epoch 4 on): try a "
         "smaller learning rate.",
         "학습 5번 중 3번이 발산했습니다(시드 1: 에포크 4부터 손실이 숫자가 아님). 학습률을 낮춰 "
         "보세요."),
        ("class 'sad' has 1 usable photos, at least 2 are needed · Add photos.",
         "클래스 'sad'에 쓸 수 있는 사진이 1장뿐입니다. 2장 이상 필요합니다 · 사진을 더하세요."),
        ("a sentence that nobody knows", "a sentence that nobody knows"),
    ],
)  # fmt: skip
def test_sentences_are_translated_whole(english: str, korean: str) -> None:
    assert in_language("ko", english) == korean


def test_what_a_user_called_like_a_sentence_stays() -> None:
    sentence = "Best class: a (b) and 3 more (3 of 4); worst: no photos (1 of 4)."
    assert "a (b) and 3 more(4장 중 3장)" in in_language("ko", sentence)


def test_exams_and_comparisons_are_known() -> None:
    rng = np.random.default_rng(0)
    labels, paths = ("happy", "sad", "angry"), [f"{i}.jpg" for i in range(60)]
    y_true = np.arange(60) % 3
    known = {"labels": labels, "y_true": [labels[i] for i in y_true], "paths": paths}
    groups = [{"skin": "brown" if i % 2 else "white"} for i in range(60)]
    for sure in (0.0, 0.6, 5.0):
        probs = rng.dirichlet([1, 1, 1], 60) + sure * np.eye(3)[y_true]
        probs /= probs.sum(axis=1, keepdims=True)
        exam = examine(probs=probs, groups=groups, **known)
        other = examine(probs=np.roll(probs, 1, axis=0), shared=paths[:3], **known)
        said = [*exam.sentences, *other.sentences, compare(exam, other, names=("a", "b")).verdict]
        said += [pair.sentence for gap in exam.gaps for pair in gap.pairs]
        assert [one for one in said if not knows("ko", one)] == []


@pytest.mark.parametrize("shares", [(0.5, 0.5, 0.5), (0.2, 0.3, 0.9), (0.5,)])
@pytest.mark.parametrize("seeds", [1, 10])
def test_verdicts_are_known(shares: tuple[float, ...], seeds: int) -> None:
    rng = np.random.default_rng(0)
    cells = [rng.random((seeds, 300)) < share for share in shares]
    names = [f"epochs={10 * i}" for i in range(len(cells))]
    assert knows("ko", judge(cells, names=names).sentence)


@pytest.mark.parametrize("language", texts.LANGUAGES)
@pytest.mark.parametrize("shares", [(0.5, 0.5), (0.2, 0.9), (0.2, 0.5, 0.5), (0.5,)])
@pytest.mark.parametrize("seeds", [1, 10])
def test_a_verdict_calls_settings_as_its_page_does(
    language: str, shares: tuple[float, ...], seeds: int
) -> None:
    rng = np.random.default_rng(0)
    cells = [rng.random((seeds, 300)) < share for share in shares]
    offered = [key for key in texts.load(language) if key.startswith("study.setting.")]
    assert len(offered) > 4
    for key in offered:
        setting = key.rpartition(".")[2]
        values = {"head": ["mlp", "logistic", "mlp"], "mirror": ["no", "yes", "yes"]}.get(
            setting, ["20", "0.001", "7"]
        )
        names = [f"{setting}={value}" for value in values[: len(cells)]]
        verdict = judge(cells, names=names)
        said = in_language(language, verdict.sentence)
        assert f"{setting}=" not in said
        value = verdict.chosen.partition("=")[2]
        word = texts.load(language).get(f"study.{value}", value)
        assert f"{texts.say(language, key)} {word}" in said


@pytest.mark.parametrize(
    "data", [b"", b"%PDF-1.7 and more", b"what is this", b"\x89PNG\r\n\x1a\n" * 9]
)
def test_reasons_are_known(data: bytes) -> None:
    with pytest.raises(PhotoError) as caught:
        decode(data)
    assert knows("ko", caught.value.message)


def test_only_sentences_of_an_answer_are_translated() -> None:
    answer = {"label": "is empty", "rejects": [{"path": "is empty", "reason": "is empty"}]}
    assert answer_in("ko", answer) == {
        "label": "is empty",
        "rejects": [{"path": "is empty", "reason": "비어 있습니다"}],
    }
    assert answer_in("en", answer) == answer
    assert answer_in("tlh", answer) is answer


@pytest.mark.parametrize("language", texts.LANGUAGES)
def test_pages_know_no_options_of_the_command_line(language: str) -> None:
    said = "Remove them from one side, or go on with --allow-leak."
    assert "--" not in in_language(language, said)
