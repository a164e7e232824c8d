"""The socket of the embedded AWS: 127.0.0.1 alone, one request a connection, and no web pages."""

from __future__ import annotations

import logging
import os
import socketserver
import threading
from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

Environ = dict[str, Any]
Answer = tuple[int, dict[str, str], str]

_log = logging.getLogger(__name__)


class Loopback:
    """Serves ``answer`` on 127.0.0.1 from threads of its own until it is stopped.

    ``answer`` takes a WSGI environ and gives status, headers and body. ``port`` 0 takes a free one; OSError where
    another is taken.
    """

    def __init__(self, answer: Callable[[Environ], Answer], port: int = 0) -> None:
        self._answer = answer
        self._server = _Server(("127.0.0.1", port), _QuietHandler)
        self._server.set_app(self._app)
        self.port: int = self._server.server_port
        self._thread = threading.Thread(target=self._serve, name="labkit-embedded-aws", daemon=True)
        self._thread.start()

    @property
    def serves(self) -> bool:
        """Whether its thread runs, as it does until it is stopped or something kills it."""
        return self._thread.is_alive()

    def stop(self) -> None:
        """Stop listening: from now on, connections are refused."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _serve(self) -> None:
        try:
            self._server.serve_forever(poll_interval=0.01)
        finally:  # if it was killed, callers shall be refused, not wait for an answer
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
        """Why a request is not let in: only this machine may call, and no web page that happens to be open on it.

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
        # Without HTTPServer's look-up of the machine's name, which can take seconds where there is no network.
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = "127.0.0.1", self.server_address[1]
        self.setup_environ()
