"""How hosts are asked: robots.txt, waiting, and one request after the other."""

from __future__ import annotations

import math
import threading
import time

import pytest

from mien.collecting import Manners, Unusable
from mien.collecting.connection import read_retry_after, user_agent
from mien.collecting.politeness import Robots, Schedule
from mien.collecting.records import Reason


def test_retry_after_is_read_in_both_forms() -> None:
    assert read_retry_after("7", now=0) == 7
    assert read_retry_after("Thu, 01 Jan 1970 00:01:00 GMT", now=10) == 50
    assert read_retry_after("Thu, 01 Jan 1970 00:00:01 GMT", now=10) == 0
    assert read_retry_after("soon", now=0) is None
    assert read_retry_after("-1", now=0) is None


def test_the_user_agent_has_no_line_breaks() -> None:
    assert "\n" not in user_agent("me@example.org\r\nX: y")
    assert "me@example.org" in user_agent("me@example.org")


def test_robots_rules_are_read_once_and_for_us_first() -> None:
    asked = []

    def get(url: str) -> bytes:
        asked.append(url)
        return b"User-agent: mien\nDisallow: /private/\n\nUser-agent: *\nDisallow: /\n"

    robots = Robots(get)
    assert robots.allows("https://a.example/x.jpg")
    assert not robots.allows("https://a.example/private/x.jpg")
    assert asked == ["https://a.example/robots.txt"]


def test_a_missing_robots_txt_allows_all() -> None:
    def get(url: str) -> bytes:
        raise Unusable("not found", url)

    assert Robots(get).allows("https://a.example/x")


@pytest.mark.parametrize("reason", ["server error", "timed out", "no connection", "throttled"])
def test_a_robots_txt_that_cannot_be_reached_forbids_for_now_and_is_asked_again(
    reason: Reason,
) -> None:
    answers: list[bytes | None] = [None, b""]
    now = [0.0]

    def get(url: str) -> bytes:
        answer = answers.pop(0)
        if answer is None:
            raise Unusable(reason, "no luck", retry_after_s=1.0)
        return answer

    robots = Robots(get, clock=lambda: now[0])
    for _ in range(3):  # asked once, not again before its time
        with pytest.raises(Unusable, match="cannot be read: no luck") as refused:
            robots.allows("https://a.example/x")
        assert (refused.value.reason, refused.value.retry_after_s) == ("robots.txt", 2.0)
    now[0] = 2.0
    assert robots.allows("https://a.example/x")


def test_a_robots_txt_that_never_answers_is_left_for_another_run() -> None:
    asked, now = [], [0.0]

    def get(url: str) -> bytes:
        asked.append(url)
        raise Unusable("timed out", "too slow", retry_after_s=2.0)

    robots = Robots(get, clock=lambda: now[0])
    waits = []
    for _ in range(6):
        with pytest.raises(Unusable) as refused:
            robots.allows("https://a.example/x")
        waits.append(refused.value.retry_after_s)
        now[0] += 10.0
    assert waits == [2.0, 4.0, *[math.inf] * 4]
    assert len(asked) == 3


def test_a_schedule_spaces_a_host_and_serves_others_meanwhile() -> None:
    schedule: Schedule[str] = Schedule(Manners(at_once=2, per_second=20))
    for i in range(3):
        schedule.put(f"a{i}", host="a")
    schedule.put("b0", host="b")
    began = time.monotonic()
    taken = []
    for _ in range(4):
        job = schedule.take()
        assert job is not None
        taken.append(job[0])
        schedule.finish(job[1])
    assert taken[:2] == ["a0", "b0"]
    assert time.monotonic() - began >= 2 / 20
    assert len(schedule) == 0


def test_a_job_comes_again_after_its_wait_and_a_resting_host_waits() -> None:
    schedule: Schedule[str] = Schedule(Manners(per_second=None))
    schedule.put("a", host="h")
    job, host = schedule.take() or ("", "")
    schedule.again(job, host=host, after_s=0.05)
    schedule.rest("h", for_s=0.1)
    began = time.monotonic()
    assert schedule.take() == ("a", "h")
    assert time.monotonic() - began >= 0.09


def test_closing_a_schedule_sends_everybody_home() -> None:
    schedule: Schedule[str] = Schedule(Manners())
    answers: list[object] = []
    thread = threading.Thread(target=lambda: answers.append(schedule.take()))
    thread.start()
    schedule.close()
    thread.join(2)
    assert answers == [None]
