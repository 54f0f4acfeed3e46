"""Connections are kept, bounded in number, and not used once they may have ended."""

from __future__ import annotations

import threading

import httpcore
import pytest

from mien.collecting.pooling import Pool

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
CLOSING = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok"


class Stream(httpcore.MockStream):
    """Says whether it was closed, and whether its other end hung up."""

    def __init__(self, answers: list[bytes]) -> None:
        super().__init__(answers)
        self.closed = self.hung_up = False

    def close(self) -> None:
        self.closed = True
        super().close()

    def get_extra_info(self, info: str) -> object:
        return self.hung_up if info == "is_readable" else super().get_extra_info(info)


class Wires(httpcore.NetworkBackend):
    """Opens streams of ten answers each, and keeps them for the test."""

    def __init__(self, answer: bytes = ANSWER) -> None:
        self.opened: list[Stream] = []
        self._answer = answer

    def connect_tcp(self, *_: object, **__: object) -> httpcore.NetworkStream:
        self.opened.append(Stream([self._answer] * 10))
        return self.opened[-1]

    @property
    def n_open(self) -> int:
        return sum(not one.closed for one in self.opened)


def request(host: str = "a.example", *, wait_s: float = 0.05) -> httpcore.Request:
    return httpcore.Request(
        "GET", f"http://{host}/x", headers=[("Host", host)],
        extensions={"timeout": {"pool": wait_s}},
    )  # fmt: skip


def ask(pool: Pool, host: str = "a.example") -> bytes:
    with pool.stream(request(host)) as response:
        return response.read()


def test_a_connection_is_used_again_by_the_same_host_only() -> None:
    wires = Wires()
    pool = Pool(wires, most=4)
    assert [ask(pool) for _ in range(3)] == [b"ok"] * 3
    assert len(wires.opened) == 1
    ask(pool, "b.example")
    assert len(wires.opened) == 2
    pool.close()
    assert wires.n_open == 0


def test_no_more_are_open_than_may_be() -> None:
    wires = Wires()
    pool = Pool(wires, most=2)
    for i in range(6):
        ask(pool, f"{i}.example")
        assert wires.n_open <= 2
    with pool.stream(request("x.example")), pool.stream(request("y.example")):
        assert wires.n_open == 2
        with pytest.raises(httpcore.PoolTimeout), pool.stream(request("z.example")):
            raise AssertionError  # a third was opened
    assert ask(pool, "z.example") == b"ok"
    assert wires.n_open <= 2


def test_one_that_is_in_use_is_waited_for() -> None:
    pool = Pool(Wires(), most=1)
    answers: list[bytes] = []

    def later() -> None:
        with pool.stream(request(wait_s=10)) as response:
            answers.append(response.read())

    with pool.stream(request()) as response:
        thread = threading.Thread(target=later)
        thread.start()
        assert response.read() == b"ok"
        assert not answers
    thread.join(10)
    assert answers == [b"ok"]


def test_what_hung_up_or_was_not_read_to_the_end_is_not_used_again() -> None:
    wires = Wires()
    pool = Pool(wires, most=2)
    ask(pool)
    wires.opened[0].hung_up = True
    ask(pool)
    assert [one.closed for one in wires.opened] == [True, False]
    with pool.stream(request()):
        pass  # nothing read
    assert wires.n_open == 0
    with pytest.raises(ValueError, match="mine"), pool.stream(request()):
        raise ValueError("mine")
    assert wires.n_open == 0
    assert ask(pool) == b"ok"
    closing = Wires(CLOSING)
    pool = Pool(closing, most=2)
    assert [ask(pool), ask(pool)] == [b"ok", b"ok"]
    assert (len(closing.opened), closing.n_open) == (2, 0)
