"""`mien collect`, `sources`, `sort` and `forget` from the outside: records, words, taint."""

from __future__ import annotations

import importlib.util
import json
import math
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from PIL import Image

from mien.cli import main
from mien.collecting import Manners, Patience
from mien.dataset.drawn import draw_face
from mien.dataset.drawn.faults import encode_jpeg, twin
from mien.errors import DatasetError, FetchError, UserError
from mien.records import Face
from mien.reports.collecting import cells
from mien.workflows.collect import collect
from mien.workflows.collected import yield_sentence
from mien.workflows.forget import forget
from mien.workflows.sort import dataset_folder, decide, look
from mien.workflows.sources import sources
from mien.workflows.test import test as judge_models
from mien.workflows.train import train

pytestmark = pytest.mark.network
CLASSES = ("angry", "happy", "sad", "surprise", "expressionless")
SKINS, GENDERS = ("white", "brown", "black"), ("man", "woman")


@pytest.fixture(scope="session")
def web() -> ModuleType:
    path = Path(__file__).parents[1] / "collecting" / "server.py"
    spec = importlib.util.spec_from_file_location("workflow_collect_server", path)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules["workflow_collect_server"] = module
    spec.loader.exec_module(module)
    return module


def face(seed: int, *, label: str, skin: str, gender: str, size_px: int = 72) -> bytes:
    image = draw_face(
        np.random.default_rng((17, seed)), expression=label, skin=skin, gender=gender,
        size_px=size_px,
    )  # fmt: skip
    return encode_jpeg(image, quality=85)


class OneFace:
    """A detector that sees one face in the middle of everything."""

    name, sha256 = "one", "0" * 64

    def glance(self, image: np.ndarray) -> tuple[Face, ...]:
        h, w = image.shape[:2]
        return (Face(xyxy_px=(0.25 * w, 0.25 * h, 0.75 * w, 0.75 * h), confidence=1.0),)


@pytest.fixture
def into(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MIEN_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    return tmp_path / "photos"


def polite(server: Any, **more: Any) -> dict[str, Any]:
    return {
        "base_urls": dict.fromkeys(("openverse", "commons"), server.url),
        "allow_local": True,
        "manners": Manners(per_second=None),
        "patience": Patience(connect_s=2, read_s=1, total_s=5),
        "workers": 4,
        "triage": False,
        **more,
    }


def portraits(web: ModuleType, n: int, label: str = "happy", words: str = "") -> list[Any]:
    return [
        web.Picture(
            name=f"{label}{i}.jpg",
            data=face(i + 100 * CLASSES.index(label), label=label, skin=SKINS[i % 3],
                      gender=GENDERS[i % 2]),
            words=frozenset(words.split()),
        )
        for i in range(n)
    ]  # fmt: skip


def test_one_search_ends_with_its_yield_in_figures_and_words(web: ModuleType, into: Path) -> None:
    pictures = portraits(web, 4)
    pictures += [web.Picture(name="copy.jpg", data=twin(pictures[0].data, kind="mirrored"))]
    pictures += [web.Picture(name="gone.jpg", data=b"", fault="gone")]
    with web.Server(pictures=pictures) as server:
        record = collect(into, query="happy face", label="happy", **polite(server, workers=1))
    document = record.plain()
    assert {k: document[k] for k in ("asked", "fetched", "usable", "yield", "reasons")} == {
        "asked": 6, "fetched": 5, "usable": 4, "yield": 0.6667,
        "reasons": {"mirrored copy": 1, "not found": 1},
    }  # fmt: skip
    assert record.sentences[0] == "4 of 6 usable: 1 not found, 1 copy."
    assert document["table"] == {
        "rows": ["happy"], "columns": [""], "counts": [[4]], "wanted": None,
    }  # fmt: skip
    json.dumps(document)


def test_the_detector_triages(web: ModuleType, into: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mien.workflows.collect.load_face_finder", lambda _: OneFace())
    with web.Server(pictures=portraits(web, 2)) as server:
        record = collect(into, query="x", **polite(server, triage=True, detector="haar"))
    assert (record.detector, record.reasons) == ("haar", {"small": 2})


@pytest.mark.slow
def test_a_quota_of_5_x_6_x_10_is_filled_where_the_catalogue_can_and_the_rest_is_named(
    web: ModuleType, into: Path, tmp_path: Path
) -> None:
    # Some cells hold enough, one too little, one nothing; copies and failures lie between.
    pictures, seed = [], 0
    short = {("sad", "black", "woman"): 4, ("angry", "white", "man"): 0}
    for label in CLASSES:
        for skin in SKINS:
            for gender in GENDERS:
                for i in range(short.get((label, skin, gender), 11)):
                    seed += 1
                    data = face(seed, label=label, skin=skin, gender=gender, size_px=64)
                    fault = "gone" if i == 3 and (label, skin, gender) not in short else ""
                    words = frozenset({label, skin, gender, "portrait"})
                    name = f"{label}-{skin}-{gender}-{i}.jpg"
                    pictures.append(web.Picture(name=name, data=data, fault=fault, words=words))
    (tmp_path / "quota.toml").write_text(
        '[want]\nclasses = ["angry", "happy", "sad", "surprise", "expressionless"]\n'
        'per_cell = 10\n[want.groups]\nskin = ["white", "brown", "black"]\n'
        'gender = ["man", "woman"]\n[search]\nsources = ["openverse", "commons"]\nlimit = 60\n'
    )
    with web.Server(pictures=pictures) as server:
        record = collect(into, quota=tmp_path / "quota.toml", **polite(server))
    lacking = {(m["class"], m["groups"]["skin"], m["groups"]["gender"]): m["lacks"]
               for m in record.missing}  # fmt: skip
    assert lacking == {("sad", "black", "woman"): 6, ("angry", "white", "man"): 10}
    table = record.table
    assert table.wanted is not None
    for row, wanted, label in zip(table.counts, table.wanted, table.rows, strict=True):
        for count, want, column in zip(row, wanted, table.columns, strict=True):
            groups = dict(part.split("=") for part in column.split(", "))
            lack = lacking.get((label, groups["skin"], groups["gender"]), 0)
            assert count == want - lack, (label, column)
    assert any("2 of 30 cells lack 16 photos" in sentence for sentence in record.sentences)


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({}, "say what to collect"),
        ({"query": "x", "quota": "q.toml"}, "say what to collect"),
        ({"query": "x", "source": "ask"}, "source 'ask' is unknown"),
        ({"query": "x", "limit": 0}, "limit is 0"),
        ({"query": " "}, "the query is empty"),
        ({"query": "x", "manners": Manners(per_second=-3)}, "-3 requests a second"),
        ({"query": "x", "manners": Manners(per_second=math.nan)}, "nan requests a second"),
        ({"query": "no.txt", "source": "urls"}, "cannot read the file of URLs 'no.txt': No such"),
        ({"query": "x", "accept": True}, "only be accepted into a class"),
        ({"query": "x", "licences": ["free"]}, "licence 'free' is unknown"),
        ({"query": "x", "label": "../elsewhere", "accept": True}, "cannot be a class"),
        ({"query": "x", "groups": {"gender": "a;b"}}, "group 'gender=a;b' cannot be kept"),
    ],
)
def test_what_makes_no_sense_is_refused(into: Path, asked: dict[str, Any], words: str) -> None:
    with pytest.raises(UserError, match=words):
        collect(into, triage=False, **asked)


def test_a_quota_cannot_name_a_class_outside_the_folder(into: Path, tmp_path: Path) -> None:
    quota = tmp_path / "quota.toml"
    quota.write_text('[want]\nclasses = ["../elsewhere"]\nper_cell = 1\n')
    with pytest.raises(UserError, match="cannot be a class"):
        collect(into, quota=quota, accept=True, triage=False)


def test_a_file_is_no_folder_to_collect_into(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("x")
    with pytest.raises(UserError, match="is a file, expected a folder"):
        collect(tmp_path / "notes.txt", query="x", triage=False)


def test_a_quota_goes_on_with_the_sources_that_answer(
    web: ModuleType, into: Path, tmp_path: Path
) -> None:
    quota = tmp_path / "quota.toml"
    quota.write_text(
        '[want]\nclasses = ["happy"]\nper_cell = 2\n[search]\nsources = ["openverse", "commons"]\n'
    )
    said: list[str] = []
    with (
        web.Server(pictures=[], api_fault="forbidden") as down,
        web.Server(pictures=portraits(web, 3)) as up,
    ):
        urls = {"openverse": down.url, "commons": up.url}
        record = collect(into, quota=quota, **{**polite(up, say=said.append), "base_urls": urls})
        assert (record.usable, record.missing) == (2, ())
        assert any("openverse is not asked any more" in sentence for sentence in said)
        urls["commons"] = down.url
        (tmp_path / "other").mkdir()
        with pytest.raises(FetchError, match="HTTP 403"):
            collect(tmp_path / "other", quota=quota, **{**polite(up), "base_urls": urls})


def test_a_full_disk_is_one_clear_sentence_and_nothing_is_lost(
    web: ModuleType, into: Path, tmp_path: Path
) -> None:
    # A limit on the size of files stands in for the disk: the journal meets it after some lines.
    code = (
        "import resource, signal, sys\n"
        "sys.dont_write_bytecode = True\n"  # it would be cut off, and spoil every run after this
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "from mien.cli import main\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (4000, 4000))\n"
        "sys.exit(main(sys.argv[1:]))\n"
    )
    pictures = portraits(web, 8)
    for picture in pictures:
        picture.data = encode_jpeg(np.asarray(Image.open(BytesIO(picture.data)).resize((40, 40))),
                                   quality=60)  # fmt: skip
    with web.Server(pictures=pictures) as server:
        asked = ["collect", "x", "--into", str(into), "--per-second", "0", "--allow-local", "--api",
                 f"openverse={server.url}", "--no-triage"]  # fmt: skip
        full = subprocess.run([sys.executable, "-c", code, *asked], capture_output=True, text=True,
                              check=False)  # fmt: skip
        assert full.returncode == 1
        assert "Traceback" not in full.stderr
        assert "cannot write" in full.stderr
        assert main(asked) == 0
    photos = list((into / ".inbox").glob("*.jpg"))
    lines = [
        json.loads(row) for row in (into / ".inbox" / "journal.jsonl").read_text().splitlines()
    ]
    assert len(lines) == len({line["url"] for line in lines}) == 8
    assert len(photos) == len(sources(into).photos) == sum(line["reason"] is None for line in lines)


def test_sources_tell_licences_unknown_photos_and_credits(web: ModuleType, into: Path) -> None:
    with web.Server(pictures=portraits(web, 3)) as server:
        collect(into, query="x", label="happy", accept=True, **polite(server))
    stranger = into / "happy" / "mine.jpg"
    stranger.write_bytes(face(900, label="happy", skin="brown", gender="man"))
    changed = sorted((into / "happy").glob("openverse*"))[0]
    changed.write_bytes(changed.read_bytes() + b"\0")
    record = sources(into)
    assert record.by_licence == {"by 4.0": 3}
    assert record.unknown == ("happy/mine.jpg",)
    assert record.changed == (f"happy/{changed.name}",)
    assert record.credits.count("Jo Example") == 3
    with pytest.raises(DatasetError, match="does not exist"):
        sources(into / "nowhere")


def test_the_inbox_is_decided_one_by_one(web: ModuleType, into: Path) -> None:
    with web.Server(pictures=portraits(web, 2)) as server:
        collect(into, query="x", label="happy", groups={"gender": "man"}, **polite(server))
    folder = dataset_folder(into / ".inbox")
    assert folder == dataset_folder(into) == into
    inbox = look(folder)
    assert inbox.classes == ("happy",)
    first, second = inbox.photos
    assert (first.label, first.groups, first.query) == ("happy", {"gender": "man"}, "x")
    assert decide(folder, first.name, label="sad") == f"sad/{Path(first.name).name}"
    assert decide(folder, second.name, label=None) is None
    assert look(folder).photos == ()
    with pytest.raises(DatasetError, match="has no inbox"):
        dataset_folder(into / "sad")
    with pytest.raises(DatasetError, match="'nowhere' does not exist"):
        dataset_folder("nowhere")


@pytest.mark.usefixtures("small_backbone")
def test_a_model_is_tainted_once_a_photo_of_its_training_is_forgotten(
    web: ModuleType, into: Path, drawn: Path, tmp_path: Path
) -> None:
    pictures = [*portraits(web, 6, "happy"), *portraits(web, 6, "angry")]
    with web.Server(pictures=pictures) as server:
        for label in ("happy", "angry"):
            for picture in pictures:
                picture.words = frozenset({"no"}) if label not in picture.name else frozenset()
            collect(into, query="x", label=label, accept=True, **polite(server))
    run = train(into, recipe="small", out=tmp_path / "runs" / "one")
    test_photos = tmp_path / "test"
    for label in ("happy", "angry"):
        (test_photos / label).mkdir(parents=True)
        for photo in sorted((drawn / "test" / label).glob("*.jpg")):
            (test_photos / label / photo.name).write_bytes(photo.read_bytes())
    clean = judge_models(run.model, photos=test_photos)
    assert clean.results[0].tainted == ()
    forgotten = forget(into, photo=sources(into).photos[0].path)
    assert [Path(one.model) for one in forgotten.tainted] == [Path(run.model).resolve()]
    assert forgotten.tainted[0].run is not None
    assert forgotten.left == ()
    tainted = judge_models(run.model, photos=test_photos)
    assert tainted.results[0].tainted == forgotten.tombstones
    assert tainted.results[0].exam.sentences[0].startswith("Tainted: trained on 1 photo")
    assert tainted.plain()["results"][0]["tainted"] == list(forgotten.tombstones)


def test_decisions_at_the_same_moment_lose_no_line(web: ModuleType, into: Path) -> None:
    with web.Server(pictures=portraits(web, 6)) as server:
        collect(into, query="x", label="happy", groups={"gender": "man"}, **polite(server))
    photos = look(into).photos
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda photo: decide(into, photo.name, label="sad"), photos))
    assert {line.state for line in sources(into).photos} == {"kept"}
    assert len(sources(into).photos) == 6
    assert (into / "groups.csv").read_text().count("\nsad/") == 6


def test_a_table_too_wide_for_a_terminal_is_turned() -> None:
    columns = [f"gender={g}, skin={s}" for s in SKINS for g in GENDERS]
    table = {"rows": list(CLASSES), "columns": columns, "counts": [[1] * 6] * 5, "wanted": None}
    lines = cells(table).splitlines()
    assert max(map(len, lines)) <= 80
    assert lines[0].split() == list(CLASSES)
    assert lines[1].startswith("gender=man, skin=white")


def test_the_yield_of_nothing_is_said_too() -> None:
    assert yield_sentence([]).startswith("Nothing was found")


def test_a_run_that_brought_nothing_new_says_so(web: ModuleType, into: Path) -> None:
    with web.Server(pictures=portraits(web, 3)) as server:
        said: list[str] = []
        for limit in (2, 2, 9, 9):
            asked = polite(server, say=said.append, triage=False)
            collect(into, query="face", limit=limit, **asked)
        others = collect(into, query="other words", limit=9, **asked)
    assert [line.partition(":")[0] for line in said] == ["Nothing new", "Nothing new"]
    assert said[0].endswith("a larger --limit goes on.")
    assert said[1].endswith("the source has no more.")
    assert others.sentences[0].startswith("Nothing new: the 3 pictures found had been decided on")


def test_the_verbs_print_words_and_json(
    web: ModuleType, into: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with web.Server(pictures=portraits(web, 2)) as server:
        api = ["--allow-local", "--api", f"openverse={server.url}", "--no-triage"]
        common = ["collect", "x", "--into", str(into), "--class", "happy", "--per-second", "0"]
        assert main([*common, "--group", "gender=man", *api]) == 0
        assert "2 of 2 usable." in (printed := capsys.readouterr().out)
        assert "gender=man" in printed
        assert main([*common, "--group", "gender=man", *api, "--json"]) == 0
        answer = json.loads(capsys.readouterr().out)
        assert (answer["verb"], answer["usable"], answer["rejects"]) == ("collect", 2, [])
        assert main([*common, "--group", "gender", *api]) == 2
    assert main(["sort", str(into), "--json"]) == 0
    photos = json.loads(capsys.readouterr().out)["photos"]
    assert len(photos) == 2
    assert main(["sources", str(into)]) == 0
    assert "2 photos with a known source. Licences: by 4.0 2." in capsys.readouterr().out
    assert main(["sources", str(into), "--credits"]) == 0
    assert capsys.readouterr().out.count("Jo Example") == 2
    assert main(["forget", str(into), "--photo", photos[0]["name"]]) == 0
    assert "1 photo forgotten" in capsys.readouterr().out
    assert main(["forget", str(into), "--photo", photos[0]["name"]]) == 1
