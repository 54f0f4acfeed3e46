"""M203: classes that go with a group, so that the group gives the class away."""

from __future__ import annotations

from typing import Final

import numpy as np

from mien.audits.findings import Check, Finding
from mien.audits.tables import count_table
from mien.audits.view import View, balance_columns
from mien.stats.association import cramers_v

# Cohen's small effect (Statistical Power Analysis, 1988) for a table with one free dimension.
_SMALL: Final = 0.1


class Association(Check):
    """Bias-corrected Cramer's V of class and each group column, with its interval."""

    code = "M203"
    title = "Class goes with group"
    severity = "high"

    def run(self, view: View) -> Finding:
        """Measure each column, and all of them together."""
        dataset = view.train.dataset
        columns = balance_columns(dataset)
        varied = [[c] for c in columns if len({p.groups.get(c) for p in dataset.photos}) > 1]
        if not varied:
            return self.not_applicable("no group column with two values or more is known")
        rng = np.random.default_rng((view.seed, 203))
        found = {}
        for chosen in varied:
            table = np.array(count_table(dataset, chosen).counts, dtype=int)
            if (table.sum(axis=0) > 0).sum() > 1 and (table.sum(axis=1) > 0).sum() > 1:
                found[chosen[0]] = cramers_v(table, rng=rng)
        if not found:
            return self.not_applicable("the groups do not vary within the classes")
        words = ", ".join(
            f"{column} V = {v.value:.2f} ({v.low:.2f} to {v.high:.2f})"
            for column, v in found.items()
        )
        tied = [column for column, v in found.items() if v.low > _SMALL]
        if tied:
            return self.found(
                "issue",
                f"The class goes with {' and '.join(tied)}: {words}. A model can learn the group "
                "in place of the expression; collect what the table lacks.",
                details={"cramers_v": found},
            )
        return self.found(
            "passed", f"No class goes with a group: {words}.", details={"cramers_v": found}
        )
