"""A notebook that is open in JupyterLab in a browser, and what a student does with it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.browser.jupyter import Jupyter

if TYPE_CHECKING:  # it may be missing, and the tests are then skipped
    from playwright.sync_api import BrowserContext, ConsoleMessage, Page, Request

#: Far longer than anything takes, even on a busy machine: it only stops what hangs.
PATIENCE_MS = 90_000

#: Messages of JupyterLab itself in the browser's console, which say nothing about a notebook.
NOT_OURS = ("jupyterlab-plugin-playground", "Starting WebSocket", "WebGL")

#: The size of the window, and the tallest picture that Chromium can draw in one piece.
WIDTH, HEIGHT, TALLEST = 1280, 900, 16_000

#: Whether the kernel answers. JupyterLab shows "idle" earlier, and a cell that is run before this never runs.
_READY = """async () => {
    const session = jupyterapp.shell.currentWidget?.sessionContext;
    if (!session) return false;
    await session.ready;
    const kernel = session.session?.kernel;
    return kernel?.connectionStatus === 'connected' && kernel.status === 'idle'
        && (await kernel.requestKernelInfo())?.content.status === 'ok';
}"""
_IDLE = "() => document.querySelector('.jp-Notebook-ExecutionIndicator')?.dataset.status === 'idle'"
_PICTURES = "() => [...document.querySelectorAll('.jp-Notebook img')].every(each => each.complete)"
_BROKEN = """() => [...document.querySelectorAll('.jp-Notebook img')]
    .filter(each => !each.naturalWidth).map(each => each.src.slice(0, 100))"""
_ERRORS = """() => [...document.querySelectorAll('.jp-Notebook .jp-Cell')].flatMap((cell, index) =>
    cell.querySelector('[data-mime-type="application/vnd.jupyter.stderr"]') ? [index] : [])"""
#: How much taller the cells are than the frame in which they scroll (which scrolls further, past the last cell).
_HIDDEN = """() => {
    const frame = document.querySelector('.jp-NotebookPanel .jp-WindowedPanel-outer');
    return [...frame.children].reduce((sum, each) => sum + each.offsetHeight, 0) - frame.clientHeight;
}"""


class Notebook:
    """One notebook in one page.

    Attributes:
        problems: The errors in the browser's console.
        abroad: The addresses outside this machine that the page asked for.
    """

    def __init__(self, jupyter: Jupyter, context: BrowserContext, name: str) -> None:
        self.jupyter, self.name = jupyter, name
        self.path = jupyter.path(name)
        self.problems: list[str] = []
        self.abroad: list[str] = []
        self.page: Page = context.new_page()
        self.page.set_default_timeout(PATIENCE_MS)
        self.page.on("console", self._on_console)
        self.page.on("pageerror", lambda error: self.problems.append(f"page error: {error}"))
        self.page.on("request", self._on_request)
        self.page.goto(jupyter.page(name))
        self.page.wait_for_selector(".jp-NotebookPanel .jp-CodeCell")
        self.page.wait_for_function(_READY)

    def _on_console(self, message: ConsoleMessage) -> None:
        # JupyterLab asks its server for checkpoints and settings that are not there yet.
        is_lookup = "a status of 404" in message.text and "/api/" in message.location["url"]
        if message.type == "error" and not is_lookup and not any(words in message.text for words in NOT_OURS):
            self.problems.append(message.text)

    def _on_request(self, request: Request) -> None:
        if not request.url.startswith((self.jupyter.url, self.jupyter.url.replace("http", "ws", 1), "data:", "blob:")):
            self.abroad.append(request.url)

    # What a student does

    def run_all(self) -> None:
        """Choose Run All Cells and wait until the last has run; fail if JupyterLab stopped at one."""
        self._run("notebook:run-all-cells")

    def _run(self, command: str, count: int | None = None) -> None:
        self.command(command)
        self.page.wait_for_function(_IDLE)
        self.page.wait_for_function(_PICTURES)
        prompts = self.page.locator(".jp-Notebook .jp-CodeCell .jp-InputPrompt").all_text_contents()[:count]
        stopped = [prompt for prompt in prompts if not re.match(r"\[\d+\]:", prompt)]
        if stopped:
            said = self.page.locator('.jp-Notebook [data-mime-type="application/vnd.jupyter.stderr"]').all_inner_texts()
            last = [text.strip().splitlines()[-1:] for text in said]
            raise AssertionError(f"{self.name}: {len(stopped)} cells were not run; errors: {last}")

    def run_first(self, count: int) -> None:
        """Run the first cells: select the one after them, then choose Run All Above Selected Cell."""
        self.page.evaluate("place => { jupyterapp.shell.currentWidget.content.activeCellIndex = place; }", count)
        self._run("notebook:run-all-above", count)

    def run_cell(self, index: int) -> None:
        """Run a cell, given by its number among all cells, with the keyboard shortcut, and wait until it has run."""
        cell = self.page.locator(".jp-Notebook .jp-Cell").nth(index)
        cell.locator(".cm-content").click()
        self.page.keyboard.press("Control+Enter")
        prompt = cell.locator(".jp-InputPrompt")
        self.page.wait_for_function("prompt => /^\\[\\d+\\]:/.test(prompt.textContent)", arg=prompt.element_handle())
        self.page.wait_for_function(_IDLE)

    def restart(self) -> None:
        """Restart the kernel, and confirm it."""
        self._do("notebook:restart-kernel")
        self.page.locator(".jp-Dialog .jp-mod-accept").click()
        self.page.wait_for_function("() => window.done")
        self.page.wait_for_function(_READY)

    def save(self) -> dict[str, Any]:
        """Save the notebook; return what is then on disk."""
        self.command("docmanager:save")
        return json.loads(self.path.read_text(encoding="utf-8"))

    def command(self, name: str, **arguments: Any) -> None:
        """Run one of JupyterLab's commands, as from its menus, until it is done."""
        self._do(name, arguments)
        self.page.wait_for_function("() => window.done")

    def _do(self, name: str, arguments: dict[str, Any] | None = None) -> None:
        """Start a command; `window.done` in the page tells when it is done."""
        self.page.evaluate(
            """([name, given]) => {
                window.done = false;
                jupyterapp.commands.execute(name, given).then(() => { window.done = true; });
            }""",
            [name, arguments or {}],
        )

    def theme(self, name: str) -> None:
        self.command("apputils:change-theme", theme=name)
        self.page.wait_for_selector(f"body[data-jp-theme-name='{name}']", state="attached")

    # What a student sees

    def text(self) -> str:
        return self.page.locator(".jp-Notebook").inner_text()

    def output(self, index: int) -> str:
        """Return the text under a code cell, given by its number among the code cells."""
        return self.page.locator(".jp-Notebook .jp-CodeCell").nth(index).locator(".jp-OutputArea").inner_text()

    def failed_cells(self) -> list[int]:
        """Return the numbers, among all cells, of those that show an error or a warning."""
        return list(self.page.evaluate(_ERRORS))

    def broken_pictures(self) -> list[str]:
        return list(self.page.evaluate(_BROKEN))

    def screenshot(self, path: Path) -> None:
        """Take a picture of all cells at once, by making the window as tall as they are."""
        path.parent.mkdir(parents=True, exist_ok=True)
        with self._whole():
            self.page.locator(".jp-NotebookPanel").screenshot(path=path, animations="disabled")

    @contextmanager
    def window(self, wide: int, high: int) -> Iterator[None]:
        """Give the window another size, in pixels, until the block ends."""
        self._resize(wide, high)
        yield
        self._resize(WIDTH, HEIGHT)

    @contextmanager
    def _whole(self) -> Iterator[None]:
        height = HEIGHT
        for _ in range(2):  # in a taller window, maps are larger
            height = max(min(height + int(self.page.evaluate(_HIDDEN)), TALLEST), HEIGHT)
            self._resize(WIDTH, height)
        # It may have scrolled as far as it ran, and it can scroll past the last cell.
        self.page.wait_for_function("""() => {
            const frame = document.querySelector('.jp-NotebookPanel .jp-WindowedPanel-outer');
            frame.scrollTop = 0;
            return frame.scrollTop === 0;
        }""")
        yield
        self._resize(WIDTH, HEIGHT)

    def _resize(self, wide: int, high: int) -> None:
        self.page.set_viewport_size({"width": wide, "height": high})
        self.page.wait_for_function("([wide, high]) => innerWidth === wide && innerHeight === high", arg=[wide, high])
