"""A widget on the page: move it as a person does, and time it from outside, from the event to its answer."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from tests.browser.notebook import Notebook

if TYPE_CHECKING:
    from playwright.sync_api import Locator

#: Notes a figure for the report: of what, how much, in which unit.
Measured = Callable[[str, float, str], None]

#: What a widget answers: in text, and in the code to copy.
_ANSWER = """selector => {
    const root = document.querySelector(selector);
    return [...[...root.querySelectorAll('.labkit-answer')].map(each => each.textContent),
        ...[...root.querySelectorAll('.labkit-code textarea')].map(each => each.value)].join(' ').replace(/\\s+/g, ' ');
}"""

#: Watches a widget from now on. `took` is the time, in milliseconds of the browser's clock, from the last thing that a
#: person did until the expected words were in the answer.
_WATCH = """([selector, words]) => {
    const root = document.querySelector(selector);
    const answer = () => (ANSWER)(selector);
    if (answer().includes(words)) throw new Error('the answer says already: ' + words);
    window.watched = {took: null};
    let moved = null;
    const hear = event => { moved = performance.now(); };
    const kinds = ['input', 'change', 'click', 'keydown', 'pointerdown', 'pointermove'];
    kinds.forEach(kind => document.addEventListener(kind, hear, true));
    const observer = new MutationObserver(() => {
        if (moved === null || !answer().includes(words)) return;
        window.watched.took = performance.now() - moved;
        observer.disconnect();
        kinds.forEach(kind => document.removeEventListener(kind, hear, true));
    });
    observer.observe(root, {subtree: true, childList: true, characterData: true, attributes: true});
}""".replace("ANSWER", _ANSWER)


class Widget:
    """One of the course's widgets, by its name, such as `packet-lab`."""

    def __init__(self, notebook: Notebook, name: str, measured: Measured | None = None) -> None:
        """Find the widget. `measured` notes how long its answers take."""
        self.notebook, self.name, self._measured = notebook, name, measured
        self.page = notebook.page
        self.selector = f".jp-Notebook .labkit-{name}"
        self.root: Locator = self.page.locator(self.selector)
        self.root.scroll_into_view_if_needed()

    @property
    def answer(self) -> str:
        """Its answer as text."""
        return str(self.page.evaluate(_ANSWER, self.selector))

    def control(self, label: str) -> Locator:
        """Return the control that has a label."""
        return self.root.get_by_label(label, exact=True)

    def button(self, label: str) -> Locator:
        return self.root.get_by_role("button", name=label, exact=True)

    def choose(self, label: str, option: str) -> None:
        """Choose from a list the option whose text contains these words."""
        control = self.control(label)
        texts = control.locator("option").all_text_contents()
        # Labels in lists are written with spaces that do not break.
        found = [index for index, text in enumerate(texts) if option in text.replace("\xa0", " ")]
        assert len(found) == 1, f"{label} offers {texts}, and {option!r} is to be in one of them"
        control.select_option(index=found[0])

    def type(self, label: str, text: str) -> None:
        """Replace the text of a line, and press Enter."""
        control = self.control(label)
        control.click()
        self.page.keyboard.press("Control+A")
        self.page.keyboard.type(text)
        self.page.keyboard.press("Enter")

    def press(self, label: str) -> None:
        self.button(label).click()

    def wait_for(self, words: str) -> None:
        """Wait until its answer contains the words, unless it does already."""
        try:
            self.page.wait_for_function(
                f"([selector, words]) => ({_ANSWER})(selector).includes(words)", arg=[self.selector, words]
            )
        except Exception as error:
            raise AssertionError(f"{self.name} does not answer {words!r}, but: {self.answer}") from error

    @contextmanager
    def answering(self, words: str, what: str = "") -> Iterator[None]:
        """Wait until what is done in the block makes the widget answer with these words; note the time as `what`."""
        self.page.evaluate(_WATCH, [self.selector, words])
        yield
        try:
            self.page.wait_for_function("() => watched.took !== null")
        except Exception as error:
            raise AssertionError(f"{self.name} does not answer {words!r}, but: {self.answer}") from error
        if what and self._measured:
            self._measured(what, float(self.page.evaluate("() => watched.took")), "ms")
