"""Runs every cell of every notebook in one IPython, and notes the headers of each request to the embedded AWS.

python -m tests.safety.course REQUESTS
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any, TextIO

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"


def main(requests: Path) -> int:
    raise_loopback()
    from IPython.core.interactiveshell import InteractiveShell

    from labkit import embedded

    cells = surprises = 0
    with requests.open("w", encoding="utf-8") as log:
        note_requests(log)
        os.chdir(NOTEBOOKS)
        shell = InteractiveShell.instance()
        for path in sorted(NOTEBOOKS.glob("[0-9][0-9]-*.ipynb")):
            embedded.start().stop()  # as in a kernel of its own, the account is empty
            shell.reset(new_session=False)
            for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
                if cell["cell_type"] != "code":
                    continue
                result = shell.run_cell("".join(cell["source"]))
                cells += 1
                if result.success == ("raises-exception" in cell["metadata"].get("tags", [])):
                    surprises += 1
                    print(f"{path.name}: {''.join(cell['source'])}", file=sys.stderr)
    print(f"\n{cells} cells ran, {surprises} not as their tags say")
    return 1 if surprises else 0


def note_requests(log: TextIO) -> None:
    """Write the headers of each request to the embedded AWS from now on, a line of JSON each."""
    from labkit.embedded.api.loopback import Loopback

    answer = Loopback._app

    def noted(self: Loopback, environ: dict[str, Any], start_response: Any) -> Any:
        # The rest of a WSGI environ is this process's own environment.
        headers = {key: environ[key] for key in environ if key.startswith(("HTTP_", "PATH_", "QUERY_"))}
        log.write(json.dumps(headers) + "\n")
        return answer(self, environ, start_response)

    Loopback._app = noted  # type: ignore[method-assign]


def raise_loopback() -> None:
    """Turn the loopback on, which is off in a new network namespace; only root may do so."""
    if sys.platform != "linux" or os.geteuid() != 0:
        return
    import fcntl
    import socket
    import struct

    set_flags, up = 0x8914, 0x1
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        fcntl.ioctl(control, set_flags, struct.pack("16sH14s", b"lo", up, b""))


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
