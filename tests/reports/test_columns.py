from __future__ import annotations

from rich.cells import cell_len

from mien.audits.tables import Table
from mien.reports.auditing import table_text
from mien.reports.collecting import cells
from mien.reports.columns import fitting

CLASSES = ("놀람", "무표정", "sad")
GROUPS = tuple(f"{skin} {gender} {age}" for skin in ("밝음", "dark") for gender in "mf"
               for age in ("young", "middle", "old"))  # fmt: skip


def test_a_table_that_is_too_wide_has_its_groups_at_the_left() -> None:
    table = Table(rows=CLASSES, columns=GROUPS, counts=((1,) * 12, (22,) * 12, (3,) * 12))
    lines = table_text(table).split("\n")
    assert max(map(cell_len, lines)) <= 80
    assert lines[0].split() == [*CLASSES, "total"]
    assert [line.split()[0] for line in lines[1:]] == ["밝음"] * 6 + ["dark"] * 6 + ["total"]
    assert lines[-1].split() == ["total", "12", "264", "36", "312"]


def test_columns_of_wide_letters_stand_below_each_other() -> None:
    lines = fitting([["", "m", "여자"], ["놀람", "3", "12"], ["sad", "10", "4"]]).split("\n")
    assert [cell_len(line) for line in lines] == [14, 14, 14]
    table = {"rows": ["놀람", "sad"], "columns": ["피부=밝음"], "counts": [[3], [10]], "wanted": []}
    assert len({cell_len(line) for line in cells(table).split("\n")}) == 1


def test_a_table_that_is_wide_either_way_stays_upright() -> None:
    names = ["", *(f"a rather long name {i}" for i in range(5))]
    rows = [names, *([name, *"12345"] for name in names[1:])]
    assert fitting(rows).split("\n")[0].split() == " ".join(names).split()
