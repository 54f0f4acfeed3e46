"""`import mien` gives the verbs, whatever else was imported before."""

from __future__ import annotations

import importlib
import pkgutil

import mien


def test_every_public_name_is_there_and_is_what_it_says() -> None:
    for name in mien.__all__:
        thing = getattr(mien, name)
        assert isinstance(thing, str) if name == "__version__" else callable(thing)


def test_no_package_takes_the_name_of_a_verb() -> None:
    packages = {found.name for found in pkgutil.iter_modules(mien.__path__)}
    assert packages.isdisjoint(mien.__all__)
    importlib.import_module("mien.audits.catalogue")
    importlib.import_module("mien.studies.grid")
    assert callable(mien.audit)
    assert callable(mien.study)


def test_every_verb_of_the_command_line_that_gives_a_record_is_a_function() -> None:
    from mien.cli import VERBS

    without_record = {"studio", "serve", "sort"}
    verbs = {"import_" if verb == "import" else verb for verb in VERBS} - without_record
    assert verbs <= set(mien.__all__)
