"""`mien audit`: look at the photos before any number is trusted.

Law: an audit changes nothing but the cache; the same photos and seed give the same findings.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from mien.audits.catalogue import run_checks
from mien.audits.findings import Finding
from mien.audits.printed import AgainstPrinted, compare, read_printed
from mien.audits.tables import CollectNext, Table, collect_next, count_table
from mien.audits.view import Part, View, table_columns
from mien.dataset.folder import read_dataset
from mien.dataset.splits import TABLE_NAME
from mien.files import read_json
from mien.head.recipe import Recipe, recipe_from
from mien.records import Dataset, Progress, Reject, Say, no_progress, say_nothing
from mien.reports.words import words
from mien.workflows.embedder import with_detector_at_hand
from mien.workflows.exams import looks_at
from mien.workflows.frozen import Splits, divide_frozen, refuse_two_tests, table_for
from mien.workflows.measuring import Tools, measure_dataset, tools_for
from mien.workflows.models import open_model
from mien.workflows.train import DEFAULT_RECIPE


@dataclass(frozen=True, kw_only=True)
class AuditRecord:
    """What `mien audit --json` prints; docs/formats.md has the keys.

    Attributes:
        photos: The audited folder.
        test_photos: The folder of test photos, None where none was given.
        splits: The table that divides the folder, None where it was audited whole.
        recipe: The recipe whose backbone made the embeddings.
        n_photos: Training photos that could be measured.
        n_test: Test photos that could be measured.
        n_embedded: Photos that were not in the cache of embeddings.
        table: Photos by class and group.
        findings: One a check, in the order of the catalogue.
        collect_next: What makes the table even.
        expected: The table against a printed one; None where none was given.
        rejects: Files that could not be used.
    """

    photos: str
    test_photos: str | None
    splits: str | None
    recipe: str
    n_photos: int
    n_test: int
    n_embedded: int
    table: Table
    findings: tuple[Finding, ...]
    collect_next: CollectNext
    expected: AgainstPrinted | None
    rejects: tuple[Reject, ...]

    def found(self, code: str) -> Finding:
        """The finding of one check."""
        return next(finding for finding in self.findings if finding.code == code)


def audit(
    photos: Path | str,
    *,
    test: Path | str | None = None,
    splits: Splits = False,
    model: Path | str | None = None,
    recipe: str | Recipe = DEFAULT_RECIPE,
    groups_from_name: str | None = None,
    skin_tone: bool = False,
    expect: Path | str | None = None,
    html: Path | str | None = None,
    language: str = "en",
    seed: int = 0,
    progress: Progress = no_progress,
    say: Say = say_nothing,
) -> AuditRecord:
    """Audit a folder of class folders.

    Args:
        photos: The folder.
        test: A folder of test photos, to look for leaks and to say what a score can show.
        splits: A table of `mien split`: audit its training part, and its test part as test photos.
            By default the folder is audited whole.
        model: A model or run: test photos that it was trained on are leaks too.
        recipe: Whose backbone makes the embeddings; without it, checks that need them are skipped.
        groups_from_name: Pattern with named groups, matched against file names.
        skin_tone: Whether to measure apparent skin tone.
        expect: A printed table of classes and groups (JSON) to hold against the photos.
        html: Where to write the report as one page.
        language: Of that page, ``en`` or ``ko``.
        seed: Of the checks that deal photos at random.
        progress: Told photos and checks.
        say: Told sentences for the user.

    Raises:
        UserError: A folder, the model or the recipe cannot be used, or there are no pages in the
            language.
    """
    words(language)
    printed = None if expect is None else _read_expected(Path(expect))
    view, n_embedded = look(
        Path(photos), test=test, splits=splits, model=model, recipe=recipe,
        groups_from_name=groups_from_name, skin_tone=skin_tone, seed=seed,
        progress=progress, say=say,
    )  # fmt: skip
    dataset = view.train.dataset
    table = count_table(dataset, table_columns(dataset))
    record = AuditRecord(
        photos=str(photos),
        test_photos=str(view.test.dataset.root) if view.test else None,
        splits=None if splits is False else str(table_for(Path(photos), splits)),
        recipe=recipe if isinstance(recipe, str) else recipe.name,
        n_photos=len(dataset.photos),
        n_test=len(view.test.dataset.photos) if view.test else 0,
        n_embedded=n_embedded,
        table=table,
        findings=run_checks(view, progress=progress),
        collect_next=collect_next(table),
        expected=None if printed is None else compare(table, printed=printed, name=str(expect)),
        rejects=dataset.rejects + (view.test.dataset.rejects if view.test else ()),
    )
    if html is not None:
        from mien.reports.audit_page import write_audit_page

        write_audit_page(Path(html), record=record, parts=dict(view.parts), language=language)
    return record


def look(
    photos: Path,
    *,
    test: Path | str | None,
    splits: Splits = False,
    model: Path | str | None = None,
    recipe: str | Recipe = DEFAULT_RECIPE,
    groups_from_name: str | None = None,
    skin_tone: bool = False,
    seed: int = 0,
    progress: Progress = no_progress,
    say: Say = say_nothing,
) -> tuple[View, int]:
    """Read, measure and embed what an audit or a split looks at.

    Returns:
        The view, and how many photos were not in the cache of embeddings.
    """
    chosen = recipe if isinstance(recipe, Recipe) else recipe_from(recipe)
    later: list[str] = []  # a wrong folder is one line, not one line after others
    chosen = with_detector_at_hand(chosen, say=later.append)
    refuse_two_tests(test, splits)
    dataset = read_dataset(
        photos, groups_from_name=groups_from_name, keep_contradictions=True, progress=progress
    )
    trained_on = frozenset(open_model(Path(model)).fingerprints) if model else frozenset()
    for sentence in later:
        say(sentence)
    tested = None
    if frozen := divide_frozen(dataset, splits=splits):
        dataset, tested = frozen.train, frozen.test
        say(frozen.sentence)
    elif test is None and (photos / TABLE_NAME).is_file():
        say(f"'{photos / TABLE_NAME}' is there: --splits audits its two parts against each other.")
    if test is not None:
        tested = _read_test(Path(test), groups_from_name, progress)
    tools = tools_for(chosen)
    if tools.no_embedder:
        say(f"Checks that need embeddings are skipped: {tools.no_embedder}.")
    train_part, n = measure_dataset(dataset, tools=tools, progress=progress, say=say)
    test_part, n_test = _measure_test(tested, tools, progress, say)
    view = View(
        train=train_part,
        test=test_part,
        no_embeddings=tools.no_embedder,
        trained_on=trained_on,
        looks=looks_at(tested) if tested else None,
        skin_tone=skin_tone,
        seed=seed,
    )
    return view, n + n_test


def _read_expected(path: Path) -> Table:
    return read_printed(read_json(path, what="printed table"), name=str(path))


def _read_test(folder: Path, groups_from_name: str | None, progress: Progress) -> Dataset:
    return read_dataset(
        folder,
        groups_from_name=groups_from_name,
        min_classes=1,
        keep_contradictions=True,
        progress=progress,
    )


def _measure_test(
    dataset: Dataset | None, tools: Tools, progress: Progress, say: Say
) -> tuple[Part | None, int]:
    if dataset is None:
        return None, 0
    return measure_dataset(dataset, tools=tools, progress=progress, say=say)
