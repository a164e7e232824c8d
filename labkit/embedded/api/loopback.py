"""The socket of the embedded AWS: it listens on 127.0.0.1 alone, and answers this machine's clients, not web pages.

A request is read to its end before it is answered, within a time and a size. So whoever sends half a request, or a byte
a minute, keeps nobody else waiting. `server.Server` makes one `Loopback`, and answers what it lets in.
"""

from __future__ import annotations

import io
import logging
import os
import socket
import socketserver
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from http import HTTPStatus
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

from labkit.embedded.api.refusals import HttpResponse

Environ = dict[str, Any]

#: How long a request may take to arrive, and its answer to be taken, in seconds.
SECONDS = 10.0
#: How large a body may be, in bytes. AWS's largest here, PutLogEvents, has a megabyte of text, which JSON may escape.
LARGEST = 16 * 2**20
#: How many requests may be arriving at once. One more, and the one that has taken longest is given up.
MOST = 100

_log = logging.getLogger(__name__)


class Loopback:
    """A server on 127.0.0.1 that runs in its own threads until it is stopped.

    Args:
        answer: Takes a WSGI environ and returns the response.
        port: The port to listen on; 0 takes a free one.

    Attributes:
        port: The port that it listens on.

    Raises:
        OSError: The port is taken.
    """

    def __init__(self, answer: Callable[[Environ], HttpResponse], port: int = 0) -> None:
        self._answer = answer
        self._server = _Server(("127.0.0.1", port), _Handler)
        self._server.set_app(self._app)
        self.port: int = self._server.server_port
        self._thread = threading.Thread(target=self._serve, name="labkit-embedded-aws", daemon=True)
        self._thread.start()

    @property
    def serves(self) -> bool:
        """Whether its thread runs: until it is stopped, or something kills the thread."""
        return self._thread.is_alive()

    def stop(self) -> None:
        """Stop listening: from now on, connections are refused."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def close(self) -> None:
        """Close the socket in this process, whether or not its thread runs here."""
        self._server.server_close()

    def _serve(self) -> None:
        try:
            self._server.serve_forever(poll_interval=0.01)
        finally:  # if it was killed, refuse callers rather than let them wait
            self._server.server_close()

    def _app(self, environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        refusal = self._refusal(environ)
        if refusal is not None:
            status, headers, body = 403, {"content-type": "text/plain; charset=utf-8"}, refusal
        else:
            status, headers, body = self._answer(environ)
        payload = body.encode()
        fields = [
            (key, str(value)) for key, value in headers.items() if key.lower() not in {"status", "content-length"}
        ]
        start_response(f"{status} {HTTPStatus(status).phrase}", [*fields, ("Content-Length", str(len(payload)))])
        return [payload]

    def _refusal(self, environ: Environ) -> str | None:
        """Return why a request is refused, if it is: only this machine's clients may call, and no web page open on it.

        Host is checked against DNS rebinding, Origin (which browsers send and AWS clients don't) against other sites.
        """
        own = {f"127.0.0.1:{self.port}", f"localhost:{self.port}"}
        if environ.get("HTTP_HOST", "").lower() not in own | {"127.0.0.1", "localhost"}:
            return "The embedded AWS answers only to 127.0.0.1 and localhost."
        origin = environ.get("HTTP_ORIGIN")
        if origin is not None and origin.lower() not in {f"http://{name}" for name in own}:
            return "The embedded AWS does not answer web pages."
        return None


class _Arriving(io.RawIOBase):
    """What arrives at a socket until a deadline; reading after it raises a TimeoutError."""

    def __init__(self, connection: socket.socket, seconds: float) -> None:
        self._connection = connection
        self._deadline = time.monotonic() + seconds

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError
        self._connection.settimeout(left)
        return self._connection.recv_into(buffer)


class _Handler(WSGIRequestHandler):
    """Reads one request, and answers it.

    It speaks HTTP/1.0, one request a connection: nothing is left to answer on once the server has stopped.
    """

    server: _Server
    wbufsize = -1  # the answer leaves in one piece

    def setup(self) -> None:
        super().setup()
        self.rfile = io.BufferedReader(_Arriving(self.connection, SECONDS))
        self.server.await_request(self.connection)

    def finish(self) -> None:
        self.server.await_no_more(self.connection)
        super().finish()

    def parse_request(self) -> bool:
        """Read the whole request; return False if it is no request, which has been answered then."""
        if not super().parse_request():
            return False
        lengths = {value.strip() for value in self.headers.get_all("Content-Length", ["0"])}
        length = lengths.pop()
        if "Transfer-Encoding" in self.headers:
            self.send_error(HTTPStatus.LENGTH_REQUIRED, "Send the body in one piece, with its Content-Length.")
        elif lengths or not (length.isascii() and length.isdecimal()):
            self.send_error(HTTPStatus.BAD_REQUEST, "Content-Length is not one number.")
        elif len(length) > 15 or int(length) > LARGEST:
            self._discard()
            self.send_error(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"The body is larger than {LARGEST} bytes.")
        else:
            if self.headers.get("Expect", "").lower() == "100-continue":
                self.wfile.write(b"HTTP/1.1 100 Continue\r\n\r\n")
                self.wfile.flush()
            body = self.rfile.read(int(length))
            self.server.await_no_more(self.connection)
            self.connection.settimeout(SECONDS)  # for the answer
            self.rfile = io.BytesIO(body)
            return len(body) == int(length)
        return False

    def _discard(self) -> None:
        """Read what comes and forget it: who is still sending would not see an answer."""
        with suppress(TimeoutError):
            while self.rfile.read(2**16):
                pass

    def get_environ(self) -> dict[str, Any]:
        """Return the WSGI environ, with the path and query also as they were sent, which is how they are signed."""
        return {**super().get_environ(), "REQUEST_URI": self.path}

    def get_stderr(self) -> Any:
        """Return where wsgiref writes a stack of calls if the client leaves: nowhere that a notebook shows."""
        return io.StringIO()

    def log_message(self, format: str, *args: Any) -> None:
        """Note it for a developer: a notebook shows what is printed here."""
        _log.debug(format, *args)


class _Server(socketserver.ThreadingMixIn, WSGIServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 64
    # On Windows, the same option would let a second server take the same port.
    allow_reuse_address = os.name != "nt"

    def __init__(self, *given: Any) -> None:
        self._awaited: list[socket.socket] = []  # whose requests are arriving, the longest awaited first
        self._awaiting = threading.Lock()
        super().__init__(*given)

    def await_request(self, connection: socket.socket) -> None:
        """Note that a request is arriving, and give another up if there are too many."""
        with self._awaiting:
            self._awaited.append(connection)
            if len(self._awaited) > MOST:
                with suppress(OSError):  # it has ended by itself
                    self._awaited.pop(0).shutdown(socket.SHUT_RDWR)

    def await_no_more(self, connection: socket.socket) -> None:
        """Note that a request has arrived, or will not."""
        with self._awaiting, suppress(ValueError):  # it has been given up
            self._awaited.remove(connection)

    def server_bind(self) -> None:
        # Skip HTTPServer's look-up of the machine's name, which can take seconds where there is no network.
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = "127.0.0.1", self.server_address[1]
        self.setup_environ()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Note that a connection ended early, or was too slow; it is closed now."""
        _log.debug("a connection ended", exc_info=True)
