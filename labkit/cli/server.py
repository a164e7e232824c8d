"""JupyterLab inside this process, on a port that is already open; `labkit start` runs it.

There is one process: a signal, a kill or a closed terminal that ends it leaves no server behind, and a kernel ends by
itself when its parent is gone.
"""

from __future__ import annotations

import os
import socket
import threading

from jupyter_server.serverapp import ServerApp
from jupyterlab.labapp import LabApp

from labkit import interruption

#: How long JupyterLab may take to end, in seconds. After that, it is killed.
END_SECONDS = 2.0


def serve(port: socket.socket, arguments: list[str], variables: dict[str, str], farewell: str) -> int:
    """Run JupyterLab until it ends; return its exit code. A signal that ends JupyterLab ends this process, too.

    Args:
        port: The socket on which it listens.
        arguments: Its command line.
        variables: The environment variables for it and its kernels.
        farewell: What to say when a signal has ended it.
    """
    os.environ.update(variables)
    signal = 0
    port.setblocking(False)

    class OnOpenPort(ServerApp):
        def _find_http_port(self) -> None:
            """Look for no port: somebody else could take it before the server listens there."""

        def _bind_http_server(self) -> None:
            self.http_server.add_socket(port)

        def init_signal(self) -> None:
            interruption.watch(self._end)

        def _end(self, number: int) -> None:
            nonlocal signal
            signal = number
            late = threading.Timer(END_SECONDS, interruption.end, [number])
            late.daemon = True
            late.start()
            # JupyterLab would interrupt the kernels first. One that is starting shows that as a traceback.
            interruption.kill_children()
            self.stop(from_signal=True)

    LabApp.serverapp_class = OnOpenPort
    try:
        LabApp.launch_instance(arguments)
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else 1
    if signal:
        # Python would wait some seconds here, for messages to the kernels that are gone.
        interruption.end(signal, farewell)
    return 0
