"""A process of ours that answers questions through two pipes, one after the other.

Not one of `multiprocessing`: the program that asks need not be one that can be imported anew, a
kill -9 leaves nothing behind to be cleaned up and complained about on the terminal, and the process
ends by itself once nobody can ask it any more. Law: answers come in the order of the questions; to
one that has ended, every question is answered by `Gone`. Knows nothing of pictures.
"""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from typing import IO, Any, Final

# What keeps linear algebra in one thread from the start, by whatever library NumPy came with.
_THREADS: Final = (
    "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS", "VECLIB_MAXIMUM_THREADS"
)  # fmt: skip

# glibc gives each large array back to the system and gets it anew for the next, a page at a time;
# kept, pictures cost a twentieth less. Other systems' libraries do not know the words.
_MEMORY: Final = {
    "MALLOC_MMAP_THRESHOLD_": f"{1 << 28}",
    "MALLOC_TRIM_THRESHOLD_": f"{1 << 28}",
    "MALLOC_TOP_PAD_": f"{1 << 24}",
}


class Gone(Exception):  # noqa: N818 - a fact, and no failure of the program
    """The process has ended."""


class Apart:
    """A process, for asking from any thread; its linear algebra uses one thread.

    Args:
        module: The module of a function without arguments that calls `answer`.
        function: Its name.
        setup: What is handed to that function's `prepare`.

    Attributes:
        ready: Done when the process can answer.
    """

    def __init__(self, module: str, function: str, *setup: object) -> None:
        self._process: Final = subprocess.Popen(
            [sys.executable, "-c", f"from {module} import {function}; {function}()"],
            env={**os.environ, **dict.fromkeys(_THREADS, "1"), **_MEMORY},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        self._lock: Final = threading.Lock()
        self._waiting: Final[deque[Future[Any]]] = deque()
        self._gone = False
        threading.Thread(target=self._listen, daemon=True).start()
        self.ready: Final = self.ask(setup)

    @property
    def pid(self) -> int:
        """The process's number."""
        return self._process.pid

    @property
    def can_answer(self) -> bool:
        """Whether it has begun and not ended."""
        return self.ready.done() and not self._gone

    def __len__(self) -> int:
        """Questions that are not answered yet."""
        return len(self._waiting)

    def ask(self, question: object) -> Future[Any]:
        """Ask; the answer comes later, or `Gone` instead of it."""
        answer: Future[Any] = Future()
        to = self._process.stdin
        assert to is not None
        with self._lock:
            if self._gone:
                answer.set_exception(Gone())
                return answer
            self._waiting.append(answer)
            with suppress(OSError, ValueError):  # it has ended: `_listen` will say so
                _send(to, question)
        return answer

    def close(self) -> None:
        """End the process, whatever it does."""
        self._process.kill()

    def _listen(self) -> None:
        answers = self._process.stdout
        assert answers is not None
        with suppress(EOFError, OSError, pickle.UnpicklingError), answers:
            while True:
                answer = pickle.load(answers)
                self._waiting.popleft().set_result(answer)
        with self._lock:
            self._gone = True
            for one in self._waiting:
                one.set_exception(Gone())
            self._waiting.clear()
        assert self._process.stdin is not None
        with suppress(OSError):
            self._process.stdin.close()
        self._process.wait()


def answer(prepare: Callable[..., Callable[[Any], object]]) -> None:
    """In the process: get ready, then answer until nobody asks any more.

    Args:
        prepare: Takes the setup and gives what answers a question.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the program that asks
    to = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # what a library prints is no answer
    questions = sys.stdin.buffer
    with suppress(EOFError, BrokenPipeError):
        work = prepare(*pickle.load(questions))
        _send(to, None)
        while True:
            _send(to, work(pickle.load(questions)))


def _send(to: IO[bytes], what: object) -> None:
    pickle.dump(what, to, pickle.HIGHEST_PROTOCOL)
    to.flush()
