"""No server of a stranger can make us connect to this machine, its neighbours or a cloud's inside.

Nothing here may open a connection: the backend fails the test when it is reached with an address
that is not public.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Sequence

import httpcore
import pytest

from mien.collecting.addresses import check_url, require_public
from mien.collecting.connection import Browser
from mien.collecting.records import Unusable

# Each of these names an address that must not be reached, in a form that some parser accepts.
HIDDEN = [
    # Loopback, in every spelling of inet_aton and of browsers.
    "http://127.0.0.1/",
    "http://127.0.0.1:8080/a.jpg",
    "http://127.1/",
    "http://127.0.1/",
    "http://2130706433/",
    "http://017700000001/",
    "http://0x7f000001/",
    "http://0x7f.0.0.1/",
    "http://0x7f.1/",
    "http://0177.0.0.1/",
    "http://0177.0.0.01/",
    "http://127.000.000.001/",
    "http://127.0.0.1./",
    "http://①②⑦.⓪.⓪.①/",
    "http://localhost/",
    "http://LOCALHOST/",
    "http://localhost./",
    "http://anything.localhost/",
    "http://127.255.255.254/",
    "http://0.0.0.0/",
    "http://0/",
    "http://[::1]/",
    "http://[0:0:0:0:0:0:0:1]/",
    "http://[::]/",
    "http://[::ffff:127.0.0.1]/",
    "http://[::ffff:7f00:1]/",
    "http://[0:0:0:0:0:ffff:127.0.0.1]/",
    "http://[::127.0.0.1]/",
    "http://[64:ff9b::7f00:1]/",
    "http://[64:ff9b:1::7f00:1]/",
    "http://[2002:7f00:1::]/",
    "http://[2001:0:7f00:1::]/",
    "http://[::ffff:0:127.0.0.1]/",
    "http://[0000:0000:0000:0000:0000:ffff:7f00:0001]/",
    "http://127。0。0。1/",
    "http://１２７.0.0.1/",
    "http://ｌｏｃａｌｈｏｓｔ/",
    "http://0x7F.0x0.0x0.0x1/",
    "http://0000000177.0.0.1/",
    "http://127.0.0.1:80/",
    "http://[::1]:443/",
    "http://[2002:a9fe:a9fe::]/",
    "http://[64:ff9b::a9fe:a9fe]/",
    # Private networks.
    "http://10.0.0.1/",
    "http://10.255.255.255/",
    "http://172.16.0.1/",
    "http://172.31.255.255/",
    "http://192.168.0.1/",
    "http://192.168.1.1:631/",
    "http://3232235521/",
    "http://0xc0a80001/",
    "http://0300.0250.0.1/",
    "http://[fc00::1]/",
    "http://[fd12:3456:789a::1]/",
    "http://[::ffff:10.0.0.1]/",
    "http://[64:ff9b::a00:1]/",
    "http://[fec0::1]/",
    # Link-local, among them the metadata services of clouds.
    "http://169.254.169.254/latest/meta-data/",
    "http://2852039166/",
    "http://0xa9fea9fe/",
    "http://0251.0376.0251.0376/",
    "http://[::ffff:169.254.169.254]/",
    "http://[::ffff:a9fe:a9fe]/",
    "http://[fe80::1]/",
    "http://[fe80::1%25eth0]/",
    "http://[fd00:ec2::254]/",
    "http://metadata.google.internal/",
    "http://100.100.100.200/",
    # Shared, documentation, benchmarking, reserved, multicast, broadcast.
    "http://100.64.0.1/",
    "http://192.0.2.1/",
    "http://198.51.100.7/",
    "http://203.0.113.9/",
    "http://198.18.0.1/",
    "http://192.0.0.1/",
    "http://192.88.99.1/",
    "http://224.0.0.1/",
    "http://239.255.255.250/",
    "http://240.0.0.1/",
    "http://255.255.255.255/",
    "http://[ff02::1]/",
    "http://[2001:db8::1]/",
    # Names without a dot, and names of this network.
    "http://router/",
    "http://printer.local/",
    "http://intranet.internal/",
]
# No http(s), or a URL that two parsers may read differently.
STRANGE = [
    "file:///etc/passwd",
    "file://localhost/etc/passwd",
    "gopher://example.org:70/_GET%20/",
    "data:image/png;base64,iVBORw0KGgo=",
    "ftp://example.org/a.jpg",
    "jar:http://example.org!/a.jpg",
    "dict://example.org:11211/stats",
    "ldap://example.org/",
    "javascript:alert(1)",
    "//example.org/a.jpg",
    "example.org/a.jpg",
    "http:///a.jpg",
    "http://",
    "",
    "http://user:secret@example.org/",
    "http://example.org@127.0.0.1/",
    "http://127.0.0.1\\@example.org/",
    "http://example.org\\.evil.example/",
    "http://exam ple.org/",
    "http://example.org/\r\nHost: 127.0.0.1",
    "http://example.org\t/",
    "http://example.org\x00/",
    "http://example.org:99999/",
    "http://example.org:port/",
    "http://[::1/",
    "http://127.0.0.1%00.example.org/",
    "http://example.org%2f@127.0.0.1/",
    "http://example.org:80@127.0.0.1:80/",
    "http://@127.0.0.1/",
    "http://[::1%25lo]/",
    "http://example.org:22/",
    "http://example.org:25/",
    "http://example.org:0/",
    "http://example.org:6379 /",
    "http://example.org:6667/",
    "HTTP+UNIX://%2Fvar%2Frun%2Fdocker.sock/x",
    "view-source:http://example.org/",
    "http://[v1.x]/",
    "http://exa_mple..org/",
    "http://-example.org/",
    "http://" + "a" * 300 + ".org/",
    "http://example.org/" + "a" * 5000,
]
PUBLIC = [
    "http://93.184.215.14/a.jpg",
    "https://example.org/a.jpg?size=large",
    "https://example.org:8443/a.jpg",
    "https://münchen.example.org/a.jpg",
    "https://upload.wikimedia.org/wikipedia/commons/thumb/a/a2/%27x%27.jpg/300px-x.jpg",
    "http://[2606:2800:21f:cb07:6820:80da:af6b:8b2c]/a.jpg",
    "https://example.org./a.jpg",
]
PRIVATE_ADDRESSES = [
    "127.0.0.1", "10.1.2.3", "172.20.0.5", "192.168.7.7", "169.254.169.254", "0.0.0.0",
    "100.64.1.1", "224.0.0.251", "255.255.255.255", "::1", "::", "fe80::1", "fc00::1", "fd00::1",
    "::ffff:127.0.0.1", "::ffff:192.168.0.1", "64:ff9b::7f00:1", "2002:c0a8:1::", "ff02::1",
    "::7f00:1", "fe80::1%2", "2001:0:53aa:64c::1", "fec0::7", "192.88.99.1",
]  # fmt: skip


def always(*addresses: str):
    """A resolver that gives these addresses for every name."""
    return lambda *_: list(addresses)


class OnlyPublic(httpcore.NetworkBackend):
    """Fails the test where a connection to anything but a public address is tried."""

    def __init__(self, answer: bytes = b"HTTP/1.1 404 Gone\r\nContent-Length: 0\r\n\r\n") -> None:
        self.connected: list[str] = []
        self._answer = answer

    def connect_tcp(self, host: str, *_: object, **__: object) -> httpcore.NetworkStream:
        address = ipaddress.ip_address(host)  # a name must never come this far
        mapped = getattr(address, "ipv4_mapped", None) or address
        assert mapped.is_global, f"connected to {host}"
        self.connected.append(host)
        return httpcore.MockStream([self._answer])


def system(host: str, port: int) -> Sequence[str]:
    """As the system reads numbers, without asking any name server."""
    try:
        found = socket.getaddrinfo(host, port, flags=socket.AI_NUMERICHOST)
    except socket.gaierror:
        return ["127.0.0.1"]  # a name of the inside, as a hostile name server would say
    return [str(entry[4][0]) for entry in found]


def fetch(url: str, *, resolve=system, backend: OnlyPublic | None = None) -> OnlyPublic:
    backend = backend or OnlyPublic()
    browser = Browser(resolve=resolve, backend=backend)
    try:
        browser.get(url, max_bytes=1000)
    finally:
        browser.close()
    return backend


def reason_of(url: str, **how: object) -> str:
    with pytest.raises(Unusable) as caught:
        fetch(url, **how)  # type: ignore[arg-type]
    return caught.value.reason


@pytest.mark.parametrize("url", HIDDEN + STRANGE)
def test_an_address_that_is_not_public_is_refused(url: str) -> None:
    assert reason_of(url) == "refused address"
    with pytest.raises(Unusable):
        check_url(url)


@pytest.mark.parametrize("url", HIDDEN)
def test_the_connection_refuses_what_the_first_sieve_would_miss(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The defence is the address that is connected to: it must hold alone.
    monkeypatch.setattr("mien.collecting.connection.check_url", lambda _: None)
    backend = OnlyPublic()
    assert reason_of(url, backend=backend) in ("refused address", "no connection")
    assert backend.connected == []


@pytest.mark.parametrize("url", PUBLIC)
def test_a_public_address_is_connected_to_and_by_its_number(url: str) -> None:
    backend = OnlyPublic()
    assert reason_of(url, resolve=always("93.184.215.14"), backend=backend) == "not found"
    assert backend.connected == ["93.184.215.14"]


@pytest.mark.parametrize("address", PRIVATE_ADDRESSES)
def test_a_harmless_name_that_resolves_inside_is_refused(address: str) -> None:
    assert reason_of("https://photos.example.org/a.jpg", resolve=always(address)) == (
        "refused address"
    )


@pytest.mark.parametrize("address", PRIVATE_ADDRESSES[:8])
def test_one_inner_address_among_public_ones_refuses_the_whole_name(address: str) -> None:
    addresses = ["93.184.215.14", address, "93.184.215.15"]
    assert reason_of("http://photos.example.org/", resolve=always(*addresses)) == (
        "refused address"
    )


def test_a_name_server_that_changes_its_mind_has_no_second_say() -> None:
    asked: list[str] = []

    def rebinding(host: str, port: int) -> Sequence[str]:
        asked.append(host)
        return ["93.184.215.14"] if len(asked) == 1 else ["127.0.0.1"]

    backend = OnlyPublic()
    assert (
        reason_of("http://rebind.example.org/", resolve=rebinding, backend=backend) == "not found"
    )
    assert asked == ["rebind.example.org"]
    assert backend.connected == ["93.184.215.14"]


@pytest.mark.parametrize(
    "target",
    [
        "http://127.0.0.1/", "http://169.254.169.254/latest/", "http://[::1]/", "//10.0.0.1/",
        "http://2130706433/", "file:///etc/passwd", "gopher://x/", "data:image/png,x",
        "http://inside.example.org/", "http://user@example.org/", "http://[::ffff:7f00:1]/",
    ],
)  # fmt: skip
def test_a_redirect_to_the_inside_is_refused_at_the_hop(target: str) -> None:
    answer = f"HTTP/1.1 302 Found\r\nLocation: {target}\r\nContent-Length: 0\r\n\r\n"

    def resolve(host: str, port: int) -> Sequence[str]:
        return ["192.168.0.7"] if host == "inside.example.org" else ["93.184.215.14"]

    backend = OnlyPublic(answer.encode())
    assert reason_of("http://outside.example.org/", resolve=resolve, backend=backend) == (
        "refused address"
    )
    assert backend.connected == ["93.184.215.14"]


def test_redirects_without_end_are_refused() -> None:
    answer = b"HTTP/1.1 302 Found\r\nLocation: /again\r\nContent-Length: 0\r\n\r\n"
    backend = OnlyPublic(answer)
    reason = reason_of("http://loop.example.org/", resolve=always("93.184.215.14"), backend=backend)
    assert reason == "refused address"


def test_https_is_never_left_for_http() -> None:
    from mien.collecting.connection import _next_hop

    with pytest.raises(Unusable, match="from https to http"):
        _next_hop("https://a.example.org/", "http://a.example.org/")
    assert _next_hop("http://a.example.org/x", "/y") == "http://a.example.org/y"
    with pytest.raises(Unusable, match="no URL"):
        _next_hop("http://a.example.org/x", "http://[broken")


def test_a_name_without_any_address_is_no_connection() -> None:
    def nothing(host: str, port: int) -> Sequence[str]:
        raise socket.gaierror("not known")

    assert reason_of("http://nowhere.example.org/", resolve=nothing) == "no connection"
    with pytest.raises(Unusable, match="has no address"):
        require_public([], host="x")


def test_no_socket_file_is_ever_opened() -> None:
    from mien.collecting.connecting import CheckedBackend

    checked = CheckedBackend(system, OnlyPublic(), allow_local=False)
    with pytest.raises(Unusable, match="socket file"):
        checked.connect_unix_socket("/var/run/docker.sock")


def test_there_are_at_least_sixty_cases() -> None:
    assert len({*HIDDEN, *STRANGE}) >= 60
