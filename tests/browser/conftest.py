"""Fixtures of a real browser, a real JupyterLab, and a notebook open in it.

Without a browser these tests are skipped with a reason; with LABKIT_REQUIRE_BROWSER set, they fail instead.
"""

from __future__ import annotations

import dataclasses
import importlib.util
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from labkit.cli.doctor import CHROMIUMS, find_browser
from tests.browser.jupyter import BUILD, Jupyter, is_root, jupyter_lab
from tests.browser.report import PROPERTY, Measurement

if TYPE_CHECKING:
    from playwright.sync_api import Browser

    from tests.browser.notebook import Notebook

# These modules assert, too.
pytest.register_assert_rewrite("tests.browser.chapters", "tests.browser.widget")

#: Make no requests of its own, and draw the same on every machine.
FLAGS = (
    "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--no-first-run", "--disable-dev-shm-usage", "--disable-quic", "--force-color-profile=srgb",
)  # fmt: skip


def missing(what: str) -> None:
    """Skip the test because something is missing, or fail it if nothing may be missing."""
    if os.environ.get("LABKIT_REQUIRE_BROWSER"):
        pytest.fail(f"LABKIT_REQUIRE_BROWSER is set, but {what}", pytrace=False)
    pytest.skip(what)


@pytest.fixture(scope="session")
def executable() -> str:
    """The path of this machine's browser."""
    found = find_browser(CHROMIUMS)
    if found is None:
        missing(f"there is no browser here: none of {', '.join(CHROMIUMS)} is on the PATH or in a usual place")
    if importlib.util.find_spec("playwright") is None:
        missing("the package playwright is not installed (it is in the extra 'dev')")
    return str(found)


@pytest.fixture(scope="session")
def jupyter(executable: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Jupyter]:
    """JupyterLab with a copy of the course, one for each test process."""
    with jupyter_lab(tmp_path_factory.mktemp("browser")) as running:
        yield running


# One for each file: while Playwright is open, nothing else in the process can run an event loop, and nbval has to.
@pytest.fixture(scope="module")
def chromium(executable: str) -> Iterator[Browser]:
    """A browser without a window."""
    from playwright.sync_api import sync_playwright

    flags = [*FLAGS, "--no-sandbox"] if is_root() else list(FLAGS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=flags)
        yield browser
        browser.close()


@pytest.fixture
def measured(request: pytest.FixtureRequest) -> Callable[[str, float, str], None]:
    """A function that notes a figure for the report: of what, how much, in which unit."""

    def note(what: str, value: float, unit: str) -> None:
        # As plain data, which is all that one test process can tell another.
        request.node.user_properties.append((PROPERTY, dataclasses.asdict(Measurement(what, round(value, 1), unit))))

    return note


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    """Keep in build/browser/failed/ what a test that fails had on its screen."""
    report = yield
    if report.failed:
        for notebook in item.session.stash.get(OPEN, []):
            name = re.sub(r"\W+", "-", f"{item.name}-{notebook.name}")
            (BUILD / "failed").mkdir(parents=True, exist_ok=True)
            notebook.page.screenshot(path=BUILD / "failed" / f"{name}.png")
    return report


#: The notebooks that are open now.
OPEN = pytest.StashKey[list["Notebook"]]()


@contextmanager
def _opening(chromium: Browser, jupyter: Jupyter, now_open: list[Notebook]) -> Iterator[Callable[..., Notebook]]:
    from tests.browser.notebook import HEIGHT, WIDTH, Notebook

    contexts = []

    def open_notebook(name: str, cells: list[str] | None = None, **look: str) -> Notebook:
        jupyter.look(**look)
        contexts.append(chromium.new_context(viewport={"width": WIDTH, "height": HEIGHT}))
        now_open.append(Notebook(jupyter, contexts[-1], jupyter.write(name, cells) if cells else name))
        return now_open[-1]

    yield open_notebook
    now_open.clear()
    for context in contexts:
        context.close()
    jupyter.end_kernels()


@pytest.fixture
def opened(request: pytest.FixtureRequest, chromium: Browser, jupyter: Jupyter) -> Iterator[Callable[..., Notebook]]:
    """A function that opens a notebook in a new browser context.

    The notebook is one of the copied course, given by its file name, or a new one, given by a name and cells. Other
    arguments say how JupyterLab looks.
    """
    with _opening(chromium, jupyter, request.session.stash.setdefault(OPEN, [])) as open_notebook:
        yield open_notebook


@pytest.fixture(scope="module")
def opened_once(
    request: pytest.FixtureRequest, chromium: Browser, jupyter: Jupyter
) -> Iterator[Callable[..., Notebook]]:
    """The same for a notebook that the tests of a file share."""
    with _opening(chromium, jupyter, request.session.stash.setdefault(OPEN, [])) as open_notebook:
        yield open_notebook
