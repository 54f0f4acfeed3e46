"""Which addresses may be connected to: public unicast, over http(s), and nothing else.

A URL from a stranger may name this machine, its neighbours or a cloud's metadata service, in forms
that people do not recognise. Law: what is judged is the address that is *connected to*, after name
resolution; where a name has several addresses and one is not public, none is used. `check_url` is
a first sieve for clear words, never the defence.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Sequence
from typing import Final, TypeAlias
from urllib.parse import SplitResult, urlsplit

from mien.collecting.records import Unusable

Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address

MAX_URL_CHARACTERS: Final = 4096
# RFC 6052 and RFC 8215: an IPv4 address in the last 32 bits.
_NAT64: Final = tuple(ipaddress.IPv6Network(net) for net in ("64:ff9b::/96", "64:ff9b:1::/48"))
_COMPATIBLE: Final = ipaddress.IPv6Network("::/96")  # RFC 4291 2.5.5.1, deprecated
# Special or unroutable, but global or nearly so to Python's tables: deprecated site-local (RFC
# 3879), the 6to4 relay (RFC 7526), the former 6bone, SRv6 identifiers (RFC 9602).
_MORE: Final = tuple(
    ipaddress.ip_network(net) for net in ("fec0::/10", "192.88.99.0/24", "3ffe::/16", "5f00::/16")
)
# Ports of other services, which an HTTP request must not reach (WHATWG Fetch, 2.9, from 1024 on;
# below that only those of the web are used).
_WEB_PORTS: Final = (80, 443)
_OTHER_PORTS: Final = frozenset(
    {1719, 1720, 1723, 2049, 3659, 4045, 4190, 5060, 5061, 6000, 6566, *range(6665, 6670), 6679,
     6697, 10080}
)  # fmt: skip
_NAME: Final = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9_])?")
# A last label of (hexadecimal) digits: inet_aton would read an address (WHATWG URL 3.5).
_NUMBER: Final = re.compile(r"(0[xX][0-9a-fA-F]*|[0-9]+)")


def check_url(url: str) -> SplitResult:
    """Refuse a URL that is not plainly http(s) to a named host or a public address.

    Returns:
        Its parts, from the only parsing there is.

    Raises:
        Unusable: With reason ``"refused address"``.

    Example:
        >>> check_url("https://example.org/a.jpg").hostname
        'example.org'
        >>> check_url("http://0x7f.1/")
        Traceback (most recent call last):
        ...
        mien.collecting.records.Unusable: host '0x7f.1' is a number in disguise
    """
    if len(url) > MAX_URL_CHARACTERS:
        raise _refused(f"a URL of {len(url)} characters")
    if any(letter <= " " or letter in "\\\x7f" for letter in url) or not url.isprintable():
        raise _refused("a URL with a space, backslash or control character")
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise _refused(f"not a URL: {error}") from error
    if parts.scheme not in ("http", "https"):
        raise _refused(f"scheme '{parts.scheme}' is not http or https")
    if not host:
        raise _refused("a URL without a host")
    if "[" in parts.netloc and ":" not in host:  # IPvFuture (RFC 3986, 3.2.2), used by nobody
        raise _refused(f"host '[{host}]' is no address")
    if parts.username is not None or parts.password is not None:
        raise _refused("a URL with a user name")
    if port is not None and port not in _WEB_PORTS and (port < 1024 or port in _OTHER_PORTS):
        raise _refused(f"port {port} is no port of a web server")
    _check_host(host)
    return parts


def ascii_host(host: str) -> str:
    """The host as DNS and TLS want it.

    Raises:
        Unusable: It cannot be written so.
    """
    try:
        return host.encode("ascii").decode() if host.isascii() else host.encode("idna").decode()
    except UnicodeError as error:
        raise _refused(f"host '{host}' is no name: {error}") from error


def require_public(addresses: Sequence[str], *, host: str) -> tuple[str, ...]:
    """Give addresses back where every one of them is public.

    Args:
        addresses: What a name resolved to.
        host: The name, for the message.

    Raises:
        Unusable: One is not, or there is none.
    """
    if not addresses:
        raise Unusable("no connection", f"host '{host}' has no address")
    for text in addresses:
        why = _why_not_public(text)
        if why:
            raise _refused(f"host '{host}' has the address {text}, which is {why}")
    return tuple(addresses)


def _check_host(host: str) -> None:
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        _check_name(ascii_host(host))
        return
    require_public([str(address)], host=host)


def _check_name(host: str) -> None:
    labels = host.removesuffix(".").split(".")
    if _NUMBER.fullmatch(labels[-1]):
        raise _refused(f"host '{host}' is a number in disguise")
    if len(host) > 253 or not all(_NAME.fullmatch(label) and len(label) < 64 for label in labels):
        raise _refused(f"host '{host}' is no name")
    if len(labels) == 1 or labels[-1].lower() in ("localhost", "local", "internal", "onion"):
        raise _refused(f"host '{host}' is not a public name")


def _why_not_public(text: str) -> str:
    if "%" in text:
        return "scoped to a network card"
    address = _unwrapped(ipaddress.ip_address(text))
    if address is None:
        return "an obsolete form"
    for word, is_it in (
        ("unspecified", address.is_unspecified),
        ("loopback", address.is_loopback),
        ("link-local", address.is_link_local),
        ("multicast", address.is_multicast),
        ("reserved", address.is_reserved),
        ("private", address.is_private or not address.is_global),
        ("special", any(address in net for net in _MORE if net.version == address.version)),
    ):
        if is_it:
            return word
    return ""


def _unwrapped(address: Address) -> Address | None:
    """The IPv4 address inside an IPv6 one that carries it; None for forms no longer in use."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if any(address in net for net in _NAT64):
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    if address.sixtofour is not None or address.teredo is not None:
        return None
    if address in _COMPATIBLE and int(address) > 1:
        return None
    return address


def _refused(detail: str) -> Unusable:
    return Unusable("refused address", detail)
