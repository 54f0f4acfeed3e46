"""Other people's libraries, each in a process of its own that is started once and asked often.

Importing Keras or TensorFlow takes longer than most of what is asked of it, so a process answers
again and again, and is started before the files are written: imports nothing but the standard
library, so that it can be started before anything else. Law: a library never runs in our own
process; what it says or does wrong is an `AskError`, whatever it was.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

from mien.formats.checks import Check

PYTHON_VARIABLE: Final = "MIEN_TENSORFLOW_PYTHON"
SCRIPTS: Final = Path(__file__).parent / "consumers"
LIMIT_SECONDS: Final = 900
_QUIET: Final = {"TF_CPP_MIN_LOG_LEVEL": "3"}
# Keras 3 without TensorFlow: on NumPy it opens a file in a twentieth of the time that JAX takes to
# compile the random numbers of weights that are then overwritten.
_NUMPY: Final = {"KERAS_BACKEND": "numpy"}

# What the Python that is named for TensorFlow is there for, even where this one has it too.
_TENSORFLOW: Final = ("tensorflow", "tf_keras")


@dataclass(frozen=True)
class Library:
    """A consumer that is a Python library.

    Attributes:
        script: A ``run_SCRIPT.py`` of `consumers`.
        needs: The module that tells which Python has it.
    """

    script: str
    needs: str


# By the consumer's name in `checks`.
LIBRARIES: Final[Mapping[str, Library]] = {
    "keras": Library("keras", "keras"),
    "tf_keras": Library("tensorflow", "tf_keras"),
    "tensorflow": Library("tensorflow", "tensorflow"),
    "litert": Library("litert", "ai_edge_litert"),
}


class AskError(Exception):
    """The library could not do it; the text is its own last word."""


class NotHereError(Exception):
    """A consumer cannot be had on this machine; the text says what is missing."""


class Program:
    """A library in a process of its own.

    Args:
        python: Whose Python.
        library: A ``run_LIBRARY.py`` of `consumers`.
        env: What it finds in its environment beside ours.

    Raises:
        NotHereError: There is no such Python.
    """

    def __init__(self, python: str, library: str, env: Mapping[str, str]) -> None:
        self._library = library
        # A file, for a pipe that nobody reads would stop a library that complains at length.
        self._said = tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace")  # noqa: SIM115
        try:
            self._process = subprocess.Popen(
                [python, str(SCRIPTS / "jobs.py"), library],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._said,
                text=True,
                encoding="utf-8",
                env=os.environ | _QUIET | dict(env),
            )
        except OSError as error:
            self._said.close()
            raise NotHereError(f"'{python}' is not there") from error

    @property
    def alive(self) -> bool:
        """Whether it can be asked."""
        return self._process.poll() is None

    def ask(self, job: Mapping[str, Any]) -> dict[str, Any]:
        """Have a job done, and give what the script answered.

        Raises:
            NotHereError: The library, or one that it needs, is not installed.
            AskError: It failed, died, or took too long.
        """
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        too_long = threading.Event()

        def stop() -> None:
            too_long.set()
            self._process.kill()

        late = threading.Timer(LIMIT_SECONDS, stop)
        late.start()
        try:
            self._process.stdin.write(json.dumps(job) + "\n")
            self._process.stdin.flush()
            line = self._process.stdout.readline()
        except OSError:
            line = ""
        finally:
            late.cancel()
        if too_long.is_set():
            raise AskError(f"it took over {LIMIT_SECONDS} s")
        if not line:
            raise AskError(self._last_word())
        told: dict[str, Any] = json.loads(line)
        if "missing" in told:
            raise NotHereError(told["missing"])
        if "error" in told:
            raise AskError(told["error"])
        return told

    def _last_word(self) -> str:
        self._process.wait()
        self._said.seek(0)
        lines = self._said.read().strip().splitlines()
        return (lines or [f"{self._library} ended with {self._process.returncode}"])[-1][:300]

    def close(self) -> None:
        """End it, whatever it is doing."""
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout, self._said):
            assert pipe is not None
            with suppress(OSError):  # what was still to be said to a dead process
                pipe.close()


class Programs:
    """The processes that run, one for a Python and a script."""

    def __init__(self) -> None:
        self._running: dict[tuple[str, str], Program] = {}
        self._lock = threading.Lock()

    def start(self, library: Library) -> Program:
        """Start a library, unless it runs already.

        Args:
            library: One of `LIBRARIES`.

        Raises:
            NotHereError: No Python can have it.
        """
        python = python_with(library.needs)
        key = (python, library.script)
        with self._lock:
            known = self._running.get(key)
            if known is not None and not known.alive:
                known.close()
            if known is None or not known.alive:
                own = python == sys.executable and not find_spec("tensorflow")
                env = _NUMPY if library.script == "keras" and own else {}
                self._running[key] = Program(python, library.script, env)
            return self._running[key]

    def close(self) -> None:
        """End all of them."""
        for program in self._running.values():
            program.close()
        self._running.clear()


def python_with(needs: str) -> str:
    """Give the Python that has a module: this one, or the one that has TensorFlow.

    Raises:
        NotHereError: This one has not, and no other is named.
    """
    named = os.environ.get(PYTHON_VARIABLE)
    if named and needs in _TENSORFLOW:
        return named
    if find_spec(needs):
        return sys.executable
    if not named:
        raise NotHereError(f"{needs} is not installed (or name its Python in {PYTHON_VARIABLE})")
    return named


_SHARED: ContextVar[Programs | None] = ContextVar("programs", default=None)


@contextmanager
def running_programs() -> Iterator[Programs]:
    """Give the programs that run; those of whoever is around us are shared and left running.

    Example:
        >>> with running_programs() as outer, running_programs() as inner:
        ...     outer is inner
        True
    """
    outer = _SHARED.get()
    if outer is not None:
        yield outer
        return
    programs = Programs()
    token = _SHARED.set(programs)
    try:
        yield programs
    finally:
        _SHARED.reset(token)
        programs.close()


def start_programs(checks: Iterable[Check]) -> None:
    """Start what will be asked, so that it imports its library while the files are made."""
    with running_programs() as programs:
        for check in checks:
            if check.consumer in LIBRARIES:
                with suppress(NotHereError):  # said when it is asked
                    programs.start(LIBRARIES[check.consumer])
