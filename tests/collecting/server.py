"""A real HTTP server on loopback that speaks what Openverse, Wikimedia Commons and Bing document.

Shapes: Openverse API v1 (`result_count`, `page_count`, `page_size`, `page`, `results`), MediaWiki's
action API (`query.pages[].imageinfo[].extmetadata`, `continue`), and Bing's page of results. Its
pictures are drawn. Each picture can be told to misbehave: fail, stall, lie about its type,
redirect, ask to wait. Everything asked for is written down in `Server.asked`.
"""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

# "", "fail", "fail once", "stall", "cut", "lie", "html", "gone", "throttle once", "redirect",
# "drip", "loop", "zip", or "to URL".
Faulty = str


@dataclass
class Picture:
    """A picture of the catalogue: where it is, what it is, how it misbehaves."""

    name: str
    data: bytes
    content_type: str = "image/jpeg"
    fault: Faulty = ""
    words: frozenset[str] = frozenset()
    licence: str = "by"
    licence_version: str = "4.0"
    creator: str = "Jo <b>Example</b>"
    title: str = "A portrait"


@dataclass
class Server:
    """The server; use it as a context manager."""

    pictures: list[Picture] = field(default_factory=list)
    robots: str | int = 404
    api_fault: str = ""
    stall_s: float = 3.0
    retry_after: str = "1"
    anonymous_page: int = 20
    asked: Counter[str] = field(default_factory=Counter)
    agents: set[str] = field(default_factory=set)
    seen_hosts: set[str] = field(default_factory=set)
    at_once: int = 0
    most_at_once: int = 0
    max_per_second: float | None = None

    def __enter__(self) -> Server:
        self._lock = threading.Lock()
        self._by_name = {picture.name: picture for picture in self.pictures}
        self._recent: list[float] = []
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True
            wbufsize = -1

            def do_GET(self) -> None:
                server._answer(self)

            def log_message(self, *_: object) -> None: ...

        class Quiet(ThreadingHTTPServer):
            request_queue_size = 128

            def handle_error(self, *_: object) -> None: ...  # clients that hang up are expected

        self._http = Quiet(("127.0.0.1", 0), Handler)
        self._http.daemon_threads = True
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()

    @property
    def port(self) -> int:
        return int(self._http.server_address[1])

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def picture_url(self, name: str) -> str:
        return f"{self.url}/pictures/{name}"

    # What is asked for.

    def _answer(self, handler: BaseHTTPRequestHandler) -> None:
        parts = urlsplit(handler.path)
        with self._lock:
            self.asked[parts.path] += 1
            self.agents.add(handler.headers.get("User-Agent", ""))
            self.seen_hosts.add(handler.headers.get("Host", ""))
            self.at_once += 1
            self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            query = {key: values[0] for key, values in parse_qs(parts.query).items()}
            if parts.path == "/robots.txt":
                self._robots(handler)
            elif parts.path == "/v1/images/":
                self._api(handler, query, self._openverse)
            elif parts.path == "/w/api.php":
                self._api(handler, query, self._commons)
            elif parts.path == "/images/async":
                send(handler, 200, self._bing(query).encode(), "text/html; charset=utf-8")
            elif parts.path.startswith("/pictures/"):
                self._picture(handler, parts.path.removeprefix("/pictures/"))
            else:
                send(handler, 404, b"gone", "text/plain")
        finally:
            with self._lock:
                self.at_once -= 1

    def _robots(self, handler: BaseHTTPRequestHandler) -> None:
        if self.robots == "stall":
            time.sleep(self.stall_s)
            handler.close_connection = True
        elif isinstance(self.robots, int):
            send(handler, self.robots, b"", "text/plain")
        else:
            send(handler, 200, self.robots.encode(), "text/plain")

    def _api(
        self,
        handler: BaseHTTPRequestHandler,
        query: Mapping[str, str],
        shape: Callable[[Mapping[str, str]], tuple[int, Any]],
    ) -> None:
        if self.api_fault == "throttle once":
            self.api_fault = ""
            body = json.dumps({"detail": "Request was throttled."}).encode()
            send(handler, 429, body, "application/json", {"Retry-After": self.retry_after})
        elif self.api_fault == "no json":
            send(handler, 200, b"<html>maintenance</html>", "text/html")
        elif self.api_fault == "forbidden":  # as Wikimedia answers an unnamed robot
            send(handler, 403, b"Please set a user-agent with contact", "text/plain")
        elif self.api_fault == "busy once":
            self.api_fault = ""
            send(handler, 503, b"<html>busy</html>", "text/html", {"Retry-After": self.retry_after})
        elif self.api_fault == "down":
            send(handler, 500, b"", "text/plain")
        elif self.api_fault == "list":
            send(handler, 200, b"[]", "application/json")
        else:
            status, value = shape(query)
            send(handler, status, json.dumps(value).encode(), "application/json")

    def _found(self, words: str) -> list[Picture]:
        wanted = set(words.lower().split())
        return [p for p in self.pictures if not p.words or wanted <= p.words]

    def _openverse(self, query: Mapping[str, str]) -> tuple[int, Any]:
        size = int(query.get("page_size", "20"))
        if size > self.anonymous_page:
            return 401, {"detail": f"page_size must be at most {self.anonymous_page}."}
        found = self._found(query.get("q", ""))
        if "license" in query:
            found = [p for p in found if p.licence in query["license"].split(",")]
        page = int(query.get("page", "1"))
        pages = -(-len(found) // size)
        results = [self._openverse_result(p) for p in found[(page - 1) * size : page * size]]
        return 200, {
            "result_count": len(found),
            "page_count": pages,
            "page_size": size,
            "page": page,
            "results": results,
        }

    def _openverse_result(self, picture: Picture) -> dict[str, Any]:
        return {
            "id": picture.name,
            "title": picture.title,
            "foreign_landing_url": f"https://photos.example/{picture.name}",
            "url": self.picture_url(picture.name),
            "creator": picture.creator,
            "creator_url": "https://photos.example/jo",
            "license": picture.licence,
            "license_version": picture.licence_version,
            "license_url": f"https://creativecommons.org/licenses/{picture.licence}/4.0/",
            "provider": "flickr",
            "source": "flickr",
            "category": "photograph",
            "filesize": None,
            "filetype": "jpg",
            "tags": [{"accuracy": None, "name": "portrait", "unstable__provider": "flickr"}],
            "mature": False,
            "height": 256,
            "width": 256,
        }

    def _commons(self, query: Mapping[str, str]) -> tuple[int, Any]:
        if self.api_fault in ("maxlag once", "ratelimited once"):
            code = self.api_fault.removesuffix(" once")
            self.api_fault = ""
            return 200, {"error": {"code": code, "info": "Waiting for a database: 7 s lagged"}}
        if query.get("maxlag") != "5" or query.get("formatversion") != "2":
            return 200, {"error": {"code": "bad", "info": "expected maxlag and formatversion"}}
        words = query["gsrsearch"].removeprefix("filetype:bitmap ")
        found, limit = self._found(words), int(query["gsrlimit"])
        offset = int(query.get("gsroffset", "0"))
        rows = found[offset : offset + limit]
        answer: dict[str, Any] = {"batchcomplete": True}
        if rows:
            answer["query"] = {
                "pages": [self._commons_page(p, offset + i + 1) for i, p in enumerate(rows)]
            }
        if offset + limit < len(found):
            answer["continue"] = {"gsroffset": offset + limit, "continue": "gsroffset||"}
        return 200, answer

    def _commons_page(self, picture: Picture, index: int) -> dict[str, Any]:
        def value(text: str) -> dict[str, str]:
            return {"value": text, "source": "commons-desc-page", "hidden": ""}

        return {
            "pageid": 1000 + index,
            "ns": 6,
            "title": f"File:{picture.name}",
            "index": index,
            "imagerepository": "local",
            "imageinfo": [
                {
                    "size": len(picture.data),
                    "width": 4000,
                    "height": 4000,
                    "thumburl": self.picture_url(picture.name),
                    "thumbwidth": 1280,
                    "thumbheight": 1280,
                    "url": f"https://upload.example/{picture.name}",
                    "descriptionurl": f"https://commons.example/wiki/File:{picture.name}",
                    "mime": picture.content_type,
                    "extmetadata": {
                        "LicenseShortName": value(f"CC {picture.licence.upper()} 4.0"),
                        "LicenseUrl": value("https://creativecommons.org/licenses/by/4.0"),
                        "Artist": value(f'<a href="//x">{picture.creator}</a>'),
                        "ObjectName": value(picture.title),
                    },
                }
            ],
        }

    def _bing(self, query: Mapping[str, str]) -> str:
        found = self._found(query["q"])
        first = int(query["first"])
        divs = []
        for picture in found[first : first + 20]:
            data = json.dumps(
                {"murl": self.picture_url(picture.name)}, separators=(",", ":")
            ).replace('"', "&quot;")
            divs.append(f'<div class="imgpt"><a m="{data}">x</a></div>')
        return f"<html><body>{''.join(divs)}</body></html>"

    # Pictures and how they misbehave.

    def _picture(self, handler: BaseHTTPRequestHandler, name: str) -> None:
        picture = self._by_name.get(name)
        first = self.asked[f"/pictures/{name}"] == 1
        if picture is None or picture.fault == "gone":
            send(handler, 404, b"gone", "text/plain")
        elif self._is_too_fast() or (picture.fault == "throttle once" and first):
            send(handler, 429, b"slow down", "text/plain", {"Retry-After": self.retry_after})
        elif picture.fault == "fail" or (picture.fault == "fail once" and first):
            send(handler, 500, b"oops", "text/plain")
        elif picture.fault == "stall":
            handler.send_response(200)
            handler.send_header("Content-Type", picture.content_type)
            handler.send_header("Content-Length", str(len(picture.data)))
            handler.end_headers()
            handler.wfile.write(picture.data[:100])
            handler.wfile.flush()
            time.sleep(self.stall_s)
            handler.close_connection = True
        elif picture.fault == "drip":  # a header that never ends, a byte at a time
            handler.wfile.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
            for _ in range(int(self.stall_s / 0.1)):
                handler.wfile.write(b"x")
                handler.wfile.flush()
                time.sleep(0.1)
            handler.close_connection = True
        elif picture.fault == "cut":
            handler.send_response(200)
            handler.send_header("Content-Type", picture.content_type)
            handler.send_header("Content-Length", str(len(picture.data)))
            handler.end_headers()
            handler.wfile.write(picture.data[: len(picture.data) // 2])
            handler.close_connection = True
        elif picture.fault == "lie":
            send(handler, 200, b"<html><script>x</script></html>", "image/jpeg")
        elif picture.fault == "html":
            send(handler, 200, b"<!DOCTYPE html><p>hotlinking is not allowed", "text/html")
        elif picture.fault == "redirect":
            send(handler, 302, b"", "text/plain", {"Location": f"/pictures/{name}.moved"})
        elif picture.fault == "loop":
            send(handler, 302, b"", "text/plain", {"Location": f"/pictures/{name}"})
        elif picture.fault.startswith("to "):
            send(handler, 302, b"", "text/plain", {"Location": picture.fault[3:]})
        elif picture.fault == "zip":
            send(handler, 200, picture.data, picture.content_type, {"Content-Encoding": "gzip"})
        else:
            send(handler, 200, picture.data, picture.content_type)

    def _is_too_fast(self) -> bool:
        if self.max_per_second is None:
            return False
        now = time.monotonic()
        with self._lock:
            self._recent = [at for at in self._recent if now - at < 1]
            too_fast = len(self._recent) >= self.max_per_second
            if not too_fast:
                self._recent.append(now)
        return too_fast


def send(
    handler: BaseHTTPRequestHandler,
    status: int,
    body: bytes,
    content_type: str,
    headers: Mapping[str, str] | None = None,
) -> None:
    """Send a whole answer."""
    handler.send_response(status)
    handler.send_header("Content-Type", content_type)
    handler.send_header("Content-Length", str(len(body)))
    for name, value in (headers or {}).items():
        handler.send_header(name, value)
    handler.end_headers()
    handler.wfile.write(body)
