"""The guard: requests that a browser could be tricked into are refused, ours are answered."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from mien.serve import Access, Guard
from mien.serve.guard import POLICY

HOST = "127.0.0.1:8000"
ACCESS = Access(port=8000)
COOKIE = f"{ACCESS.cookie_name}={ACCESS.cookie_value}"


async def app(scope: Any, receive: Any, send: Any) -> None:
    if scope["type"] == "websocket":
        await send({"type": "websocket.accept"})
        return
    headers = [(b"content-type", b"text/plain")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b"ours"})


def ask(
    path: str = "/",
    *,
    method: str = "GET",
    kind: str = "http",
    access: Access | None = ACCESS,
    **headers: str | list[str],
) -> list[dict[str, Any]]:
    """What the guarded application sends."""
    given = {"host": HOST, "cookie": COOKIE} | headers
    pairs = [
        (name.replace("_", "-").encode(), value.encode())
        for name, values in given.items()
        for value in ([values] if isinstance(values, str) else values)
        if value
    ]
    scope = {"type": kind, "path": path, "method": method, "headers": pairs}
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": f"{kind}.connect"}

    async def send(message: Any) -> None:
        sent.append(message)

    guard = Guard(app, hosts=(HOST,), access=access, open_paths=("/open",), entry="/enter")
    asyncio.run(guard(scope, receive, send))
    return sent


def status(*args: Any, **kwargs: Any) -> int:
    return int(ask(*args, **kwargs)[0]["status"])


def test_a_request_of_our_own_page_is_answered() -> None:
    assert status(sec_fetch_site="same-origin") == 200
    assert status(method="POST", origin=f"http://{HOST}", sec_fetch_site="same-origin") == 200


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:8000", "127.0.0.1:9000", "127.0.0.1", ""]
)
def test_another_host_is_refused_so_that_dns_rebinding_gets_nowhere(host: str) -> None:
    assert status(host=host) == 421


def test_two_hosts_in_one_request_are_refused() -> None:
    assert status(host=[HOST, "evil.example"]) == 421


@pytest.mark.parametrize(
    "origin",
    ["http://evil.example", "null", "http://127.0.0.1:9000", "https://127.0.0.1:8000",
     "http://localhost:8000"],
)  # fmt: skip
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_another_origin_is_refused_null_included(origin: str, method: str) -> None:
    assert status(origin=origin, method=method) == 403


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_another_site_is_refused_even_on_this_machine(site: str) -> None:
    assert status(sec_fetch_site=site) == 403
    assert status(sec_fetch_site=site, sec_fetch_mode="navigate") == 403


def test_only_the_entry_may_be_opened_from_another_page() -> None:
    from_a_mail = {"sec_fetch_site": "cross-site", "sec_fetch_mode": "navigate"}
    assert status("/enter", cookie="", **from_a_mail) == 200
    assert status("/enter", cookie="", sec_fetch_site="cross-site", sec_fetch_mode="cors") == 403
    assert status("/enter", cookie="", method="POST", **from_a_mail) == 403


def test_a_change_must_say_where_it_comes_from() -> None:
    assert status(method="POST") == 403
    assert status(method="DELETE") == 403
    assert status(method="GET") == 200


@pytest.mark.parametrize("cookie", ["", "mien_8000=", "mien_8000=guess", "mien_9000=x", ";;;=,"])
def test_without_the_cookie_nothing_is_answered(cookie: str) -> None:
    assert status(cookie=cookie) == 401
    assert status("/open", cookie=cookie) == 200


def test_what_is_open_is_a_path_and_not_a_beginning_of_one() -> None:
    assert status("/open/../secret", cookie="") == 401
    assert status("/opened", cookie="") == 401


def test_a_websocket_must_name_our_origin_and_have_the_cookie() -> None:
    def first(**headers: str) -> str:
        return str(ask(kind="websocket", **headers)[0]["type"])

    assert first(origin=f"http://{HOST}") == "websocket.accept"
    assert first(origin="http://evil.example") == "websocket.close"
    assert first(origin="null") == "websocket.close"
    assert first() == "websocket.close"
    assert first(origin=f"http://{HOST}", host="evil.example") == "websocket.close"
    assert first(origin=f"http://{HOST}", cookie="") == "websocket.close"


def test_programs_may_ask_a_server_that_has_no_secrets() -> None:
    assert status(method="POST", cookie="", access=None) == 200
    assert status(method="POST", cookie="", access=None, origin="http://evil.example") == 403
    assert status(method="POST", cookie="", access=None, sec_fetch_site="cross-site") == 403


@pytest.mark.parametrize("cookie", [COOKIE, ""], ids=["known", "none"])
def test_every_answer_carries_the_policy_and_no_cors_header(cookie: str) -> None:
    headers = dict(ask(cookie=cookie)[0]["headers"])
    assert headers[b"content-security-policy"].decode() == POLICY
    assert "unsafe" not in POLICY
    assert headers[b"x-content-type-options"] == b"nosniff"
    assert headers[b"cache-control"] == b"no-store"
    assert not any(name.startswith(b"access-control") for name in headers)


def test_a_link_works_once_and_a_new_one_replaces_it() -> None:
    access = Access(port=1)
    old, new = access.new_token(), access.new_token()
    assert not access.redeem(old)
    assert not access.redeem("")
    assert access.redeem(new)
    assert not access.redeem(new)


def test_the_cookie_of_another_port_does_not_count() -> None:
    one, other = Access(port=1), Access(port=2)
    assert one.cookie_name != other.cookie_name
    assert not one.knows(other.cookie_value)
    assert not one.knows(None)
    assert one.knows(one.cookie_value)
