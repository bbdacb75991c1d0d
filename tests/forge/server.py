"""The forge's HTTP side: git by ``git http-backend``, three APIs, faults on demand, and a count of writes."""

from __future__ import annotations

import base64
import contextlib
import json
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.forge import gitea, github, gitlab
from tests.forge.world import World
from tests.repos import ENVIRONMENT


@dataclass(frozen=True)
class Request:
    """``path`` without query. ``kind``: git or an API. ``user``: by the token, None for none."""

    method: str
    path: str
    query: Mapping[str, str]
    body: Any
    kind: str
    user: str | None

    @property
    def writes(self) -> bool:
        if self.kind == "git":
            return self.method == "POST" and self.path.endswith("/git-receive-pack")
        return self.method != "GET"

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


Answer = tuple[int, dict[str, str], bytes]
# Instead of an answer: the connection is closed.
DROP: Answer = (0, {}, b"")


@dataclass
class Fault:
    """Something that goes wrong for requests that ``on`` holds for: before they are dealt with, or ``after``.

    ``answer`` None: the right answer is given all the same. ``then`` is called at that moment.
    """

    on: Callable[[Request], bool]
    answer: Answer | None = DROP
    after: bool = False
    times: int = 1
    then: Callable[[], None] = lambda: None


def answer(status: int, body: Any, **headers: str) -> Answer:
    named = {name.replace("_", "-").title(): value for name, value in headers.items()}
    return status, {"Content-Type": "application/json; charset=utf-8", **named}, json.dumps(body).encode()


def to(method: str, end: str) -> Callable[[Request], bool]:
    """Holds for requests of that method whose path ends so."""
    return lambda request: request.method == method and request.path.endswith(end)


@dataclass
class Forge:
    """``public``: how the API is reached, where something stands in front of it. ``seen``: every request, in order."""

    world: World
    url: str = ""
    public: str = ""
    faults: list[Fault] = field(default_factory=list)
    seen: list[Request] = field(default_factory=list)

    @property
    def api(self) -> str:
        """Where GitHub's API is."""
        return self.public or f"{self.url}/api/v3"

    @property
    def writes(self) -> list[str]:
        """What was asked to be changed, in order; faults included."""
        return [str(request) for request in self.seen if request.writes]

    def forget(self) -> None:
        self.seen.clear()
        self.faults.clear()


_APIS = (("/api/v4/", gitlab.handle), ("/api/v1/", gitea.handle), ("/api/v3/", github.handle))


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # Headers and body are two small writes.
    disable_nagle_algorithm = True
    forge: Forge

    def log_message(self, *args: Any) -> None:
        pass

    def do_GET(self) -> None:
        self._serve()

    do_POST = do_PUT = do_PATCH = do_DELETE = do_GET  # noqa: N815

    def _serve(self) -> None:
        data = self._data()
        request = self._request(data)
        with self.forge.world.lock:
            self.forge.seen.append(request)
            fault = next((f for f in self.forge.faults if f.times and f.on(request)), None)
            if fault is not None:
                fault.times -= 1
        if fault is not None and not fault.after:
            fault.then()
            self._send(fault.answer if fault.answer is not None else self._answer(request, data))
            return
        given = self._answer(request, data)
        if fault is not None:
            fault.then()
            given = fault.answer or given
        self._send(given)

    def _data(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
            parts = []
            while size := int(self.rfile.readline().split(b";")[0], 16):
                parts.append(self.rfile.read(size))
                self.rfile.readline()
            self.rfile.readline()
            return b"".join(parts)
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def _request(self, data: bytes) -> Request:
        parts = urlsplit(self.path)
        query = {key: values[-1] for key, values in parse_qs(parts.query, keep_blank_values=True).items()}
        is_git = ".git/" in parts.path
        body = None
        if data and not is_git:
            body = json.loads(data)
        return Request(self.command, parts.path, query, body, "git" if is_git else "api", self._user())

    def _user(self) -> str | None:
        given = self.headers.get("Authorization", "")
        scheme, _, rest = given.partition(" ")
        token = rest
        if scheme.lower() == "basic":
            token = base64.b64decode(rest).decode().partition(":")[2]
        return self.forge.world.users.get(self.headers.get("PRIVATE-TOKEN") or token)

    def _answer(self, request: Request, data: bytes) -> Answer:
        if request.user is None:
            challenge = {"WWW_Authenticate": 'Basic realm="forge"'} if request.kind == "git" else {}
            return answer(401, {"message": "Bad credentials"}, **challenge)
        if request.kind == "git":
            return self._git(request, data)
        with self.forge.world.lock:
            for prefix, handle in _APIS:
                if request.path.startswith(prefix):
                    public = self.forge.api if handle is github.handle else self.forge.url
                    return handle(
                        self.forge.world, request, request.path.removeprefix(prefix[:-1]), public, self.forge.url
                    )
        return answer(404, {"message": "Not Found"})

    def _git(self, request: Request, data: bytes) -> Answer:
        environment = {
            **ENVIRONMENT,
            "GIT_PROJECT_ROOT": str(self.forge.world.folder / "bare"),
            "GIT_HTTP_EXPORT_ALL": "1",
            "REQUEST_METHOD": request.method,
            "PATH_INFO": request.path,
            "QUERY_STRING": urlsplit(self.path).query,
            "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "CONTENT_LENGTH": str(len(data)),
            "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
            "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
            "REMOTE_USER": request.user or "",
            "REMOTE_ADDR": "127.0.0.1",
        }
        done = subprocess.run(["git", "http-backend"], input=data, capture_output=True, env=environment, check=False)
        head, _, body = done.stdout.partition(b"\r\n\r\n")
        headers = dict(line.split(": ", 1) for line in head.decode().split("\r\n") if ": " in line)
        status = int(headers.pop("Status", "200 OK").split()[0])
        return status, headers, body

    def _send(self, given: Answer) -> None:
        status, headers, body = given
        if given is DROP:
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)
            return
        try:
            self.send_response_only(status)
            if "Date" not in headers:
                self.send_header("Date", self.date_time_string())
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
        except OSError:
            # Who asked is gone, as when a test kills it.
            self.close_connection = True


class Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 64

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._held: set[socket.socket] = set()

    def process_request(self, request: Any, client_address: Any) -> None:
        self._held.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self._held.discard(request)
        super().shutdown_request(request)

    def hang_up(self) -> None:
        """Who keeps a connection must not be answered by a forge that is gone, where the next one has its port."""
        for held in list(self._held):
            with contextlib.suppress(OSError):
                held.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: Any, client_address: Any) -> None:
        import sys

        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


@contextlib.contextmanager
def serve(folder: Path, port: int = 0, public: str = "") -> Iterator[Forge]:
    """A forge on this machine for as long as the context lasts."""
    forge = Forge(World(folder))
    handler = type("Bound", (Handler,), {"forge": forge})
    with Server(("127.0.0.1", port), handler) as server:
        forge.url = f"http://127.0.0.1:{server.server_address[1]}"
        forge.public = public
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        try:
            yield forge
        finally:
            server.shutdown()
            thread.join()
            server.hang_up()
