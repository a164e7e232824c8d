"""The socket of the embedded AWS: it listens on 127.0.0.1 alone, and answers this machine's clients, not web pages.

`server.EmbeddedAws` makes one, and answers what it lets in.
"""

from __future__ import annotations

import logging
import os
import socketserver
import threading
from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

from labkit.embedded.api.refusals import HttpResponse

Environ = dict[str, Any]

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
        self._server = _Server(("127.0.0.1", port), _QuietHandler)
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


class _QuietHandler(WSGIRequestHandler):
    # HTTP/1.0, one request a connection: nothing is left to answer on once the server has stopped.
    def log_message(self, format: str, *args: Any) -> None:
        _log.debug(format, *args)


class _Server(socketserver.ThreadingMixIn, WSGIServer):
    daemon_threads = True
    request_queue_size = 64
    # On Windows, the same option would let a second server take the same port.
    allow_reuse_address = os.name != "nt"

    def server_bind(self) -> None:
        # Skip HTTPServer's look-up of the machine's name, which can take seconds where there is no network.
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = "127.0.0.1", self.server_address[1]
        self.setup_environ()
