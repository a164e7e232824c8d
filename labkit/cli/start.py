"""`labkit start`: opens JupyterLab, on this machine only, at the student's own copy of the notebook worked on last."""

from __future__ import annotations

import argparse
import os
import secrets
import socket
import sys
from pathlib import Path

from labkit.cli import chapters, environment, my_notebooks, worlds
from labkit.cli.messages import command
from labkit.errors import CommandError
from labkit.folders import notebooks_in
from labkit.learn import bookmark
from labkit.machine import locked

FIRST = "00-start-here.ipynb"
HOST = "127.0.0.1"
PORT = 8888
#: The file in the folder of the student's copies that the server on a port locks for as long as it runs.
LOCK = ".server-{}.lock"
SETTINGS = Path(__file__).parent / "jupyter"


def parse(arguments: list[str]) -> argparse.Namespace:
    """Parse the arguments of the command line.

    Raises:
        CommandError: If a chapter of `--fresh` is unknown.
    """
    parser = argparse.ArgumentParser(
        prog="labkit start",
        description="Sets everything up (the first time), then opens the course in JupyterLab. Ctrl-C ends it. You "
        f"work in copies of the notebooks, in {my_notebooks.FOLDER}/, which have no outputs yet. The one in which you "
        "worked last opens. A copy in which you have worked is never overwritten; one in which you have not is updated "
        "when the course is.",
    )
    parser.add_argument(
        "--fresh", nargs="+", action="extend", default=[], metavar="CHAPTER",
        help="give me a new copy of these chapters (03 or 03-the-failed-ping), and keep what I have beside it",
    )  # fmt: skip
    parser.add_argument("--port", type=_port, metavar="N", help=f"the port (default: {PORT}, or the next free one)")
    parser.add_argument("--no-browser", action="store_true", help="only print the URL")
    parser.add_argument(
        "--aws", type=worlds.world, nargs="?", const="aws", metavar="AWS",
        help="let the notebooks use a real account, or another AWS: embedded (default), contrary",
    )  # fmt: skip
    worlds.add_account(parser)
    options = parser.parse_args(arguments)
    where = options.aws or os.environ.get("LABKIT_AWS")
    if (options.profile or options.region) and where != "aws":
        parser.error("--profile and --region are for a real account: add --aws")
    lesson = environment.root() / "notebooks"
    options.fresh = [chapters.named(Path(text).name, lesson).name for text in options.fresh]
    return options


def run(options: argparse.Namespace) -> int:
    """Bring the student's copies up to date and run JupyterLab until it ends; return the exit code.

    Raises:
        CommandError: If the copies can't be made, no port is free, or JupyterLab fails.
    """
    root = environment.root()
    port = open_port(options.port)
    mine = root / my_notebooks.FOLDER
    changes = my_notebooks.update(notebooks_in(root / "notebooks"), mine, options.fresh)
    for chapter in changes:
        if chapter.change in (my_notebooks.Change.ADDED, my_notebooks.Change.RENEWED):
            bookmark.forget(chapter.name[:2])  # whoever has a new copy begins the chapter again
    if said := my_notebooks.tell(changes):
        print(said)
    token = os.environ.get("JUPYTER_TOKEN") or secrets.token_hex(24)
    first = next(iter(options.fresh), None) or _worked_on_last(mine) or FIRST
    page = f"/lab/tree/{mine.name}/{first}"
    if not (mine / first).is_file():
        print(f"notebooks/{first} is missing ('git restore notebooks' brings it back); JupyterLab opens without it.")
        page = "/lab"
    from labkit.cli import server

    number = port.getsockname()[1]
    url = f"http://{HOST}:{number}{page}?token={token}"
    print(f"\nIn a few seconds, the course is open at\n\n    {url}\n\nCtrl-C here ends it.", flush=True)
    line = arguments(root, number, page, options.no_browser)
    farewell = f"JupyterLab has ended; what you saved is in {mine.name}/."
    with port, locked(mine / LOCK.format(number)):
        code = server.serve(port, line, variables(token) | worlds.variables(options), farewell)
    if code:
        raise CommandError(
            f"JupyterLab ended with code {code}; its messages are above. '{command('doctor')}' looks for the cause."
        )
    print(farewell, file=sys.stderr)
    return 0


def serving(root: Path) -> list[str]:
    """Return the ports of the servers that `start` runs for the project in `root`."""
    ports = []
    for path in sorted((root / my_notebooks.FOLDER).glob(LOCK.format("*"))):
        try:
            with locked(path, wait=False):
                pass
        except BlockingIOError:
            ports.append(path.name.split("-")[1].removesuffix(".lock"))
    return ports


def _worked_on_last(mine: Path) -> str | None:
    """Return the name of the student's copy of the chapter worked on last, or None if there is none."""
    last = bookmark.last()
    return next((path.name for path in notebooks_in(mine) if path.name[:2] == last), None)


def open_port(wanted: int | None) -> socket.socket:
    """Listen on the port that the person asked for, or else on the first free one from 8888 on.

    The socket is open from here on, so that two servers that start at once never choose the same port.

    Raises:
        CommandError: If that port, or each that was tried, is in use.
    """
    for port in [wanted] if wanted is not None else range(PORT, PORT + 100):
        try:
            return socket.create_server((HOST, port))
        except OSError:
            continue
    if wanted is not None:
        raise CommandError(f"Port {wanted} is in use: choose another, or leave --port out and get a free one.")
    raise CommandError(f"No port from {PORT} to {PORT + 99} is free: choose one with --port.")


def is_free(port: int) -> bool:
    """Return whether a server could listen on a port."""
    try:
        socket.create_server((HOST, port)).close()
    except OSError:
        return False
    return True


def arguments(root: Path, port: int, page: str, no_browser: bool) -> list[str]:
    """Return the command line of JupyterLab for the project in `root`, with `page` as its first page."""
    import zmq

    settings = {
        "ServerApp.ip": HOST,
        "ServerApp.port": str(port),
        "ServerApp.port_retries": "0",
        "ServerApp.base_url": "/",
        "ServerApp.root_dir": str(root),
        "ServerApp.answer_yes": "True",
        "LabApp.default_url": page,
        # Others may be on this machine, too: encrypt what goes to the kernels and comes back, if ZeroMQ was built so.
        "KernelManager.transport_encryption": "auto" if zmq.has("curve") else "disabled",
        # Ask the internet for no news or updates.
        "LabApp.news_url": "None",
        "LabApp.check_for_updates_class": "jupyterlab.NeverCheckForUpdate",
    }
    is_root = os.name == "posix" and os.geteuid() == 0  # as in a container
    switches = [*(["--no-browser"] if no_browser else []), *(["--allow-root"] if is_root else [])]
    options = [f"--{name}={value}" for name, value in settings.items()]
    return ["--log-level=WARN", *options, *switches]


def variables(token: str) -> dict[str, str]:
    """Return JupyterLab's environment; the token is in it, so that it does not show in the list of processes."""
    paths = [str(SETTINGS), *filter(None, [os.environ.get("JUPYTER_CONFIG_PATH")])]
    own = {"JUPYTER_TOKEN": token, "JUPYTER_CONFIG_PATH": os.pathsep.join(paths)}
    return environment.variables() | own


def _port(text: str) -> int:
    port = int(text) if text.isascii() and text.isdigit() else 0
    if not 1024 <= port <= 65535:
        raise argparse.ArgumentTypeError(f"'{text}' is not a port; choose a number from 1024 to 65535")
    return port
