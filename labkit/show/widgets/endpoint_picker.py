"""What a packet can go between, by name, for a person to choose from."""

from __future__ import annotations

from collections.abc import Callable

import ipywidgets as w

from labkit.network.model import Network
from labkit.network.parts import Interface
from labkit.show.widgets import parts

#: What a dropdown holds when the address is typed in beside it.
TYPED = "typed"
_ON_THE_INTERNET = "8.8.8.8"


def ends(network: Network, public: bool) -> list[tuple[str, str]]:
    """The ends of a path as (label, what `lab.trace` calls it): instances, interfaces, then a host on the internet.

    Parameters: `public` adds the public addresses, at which a packet can arrive, though none leaves from there.
    """
    found = []
    for interface in network.interfaces.values():
        if network.nat_gateway_at(interface.id):
            continue
        key, address = _key(network, interface), str(interface.primary) if interface.addresses else "no address"
        found.append((f"{key} · {address}", key))
        if public:
            found += [(f"{key} · public {address}", str(address)) for address in interface.public.values()]
    return [*found, (f"the internet · {_ON_THE_INTERNET}", _ON_THE_INTERNET)]


def _key(network: Network, interface: Interface) -> str:
    """The name of the instance or the interface where that means it alone, else its id."""
    instance = network.instances.get(interface.instance or "")
    names = [instance.name, instance.id] if instance else [interface.name]
    for name in names:
        try:
            if network.interface_of(name) == interface:
                return name
        except LookupError:
            continue
    return interface.id


class End:
    """A control for one end: a dropdown of what is there, and a line for any other address, name or id.

    Parameters: `label` is `From` or `To`; `value` is chosen at first; `public` is as for `ends`; `on_change` is called
    when a person chooses.
    """

    def __init__(self, label: str, value: str | None, public: bool, on_change: Callable[[], None]) -> None:
        self._public, self._on_change, self._quiet, self._is_chosen = public, on_change, False, bool(value)
        self.choice = parts.dropdown(label, [("another address", TYPED)], layout=w.Layout(width="auto"))
        self.typed = parts.text(
            f"{label}, address", value or "", placeholder="10.2.0.126", layout=w.Layout(width="18em")
        )
        self.widget = parts.row(self.choice, self.typed)
        self.choice.observe(self._changed, "value")
        self.typed.observe(self._changed, "value")

    @property
    def value(self) -> str:
        """What `lab.trace` takes: a name, an id or an address."""
        return str(self.typed.value.strip() if self.choice.value == TYPED else self.choice.value)

    def offer(self, network: Network, usual: str) -> None:
        """Offer what is in the network now, and keep what is chosen, even where it is gone; at first, `usual` is."""
        kept = self.value if self._is_chosen else usual
        self._is_chosen = bool(kept) or self._is_chosen
        offered = [*ends(network, self._public), ("another address, name or id", TYPED)]
        self._quiet = True
        if list(self.choice.options) != offered:
            self.choice.options = offered
        if kept in [value for _, value in offered[:-1]]:
            self.choice.value = kept
        else:
            self.choice.value, self.typed.value = TYPED, kept
        self._show_line()
        self._quiet = False

    def _show_line(self) -> None:
        self.typed.layout.display = "" if self.choice.value == TYPED else "none"

    def _changed(self, _: object) -> None:
        self._show_line()
        if not self._quiet:
            self._is_chosen = True
            self._on_change()
