"""A control for one end of a packet's path: choose an instance, an interface or the internet, or type an address.

The packet lab has two of them.
"""

from __future__ import annotations

from collections.abc import Callable

from labkit.network import Interface, Network
from labkit.show.widgets import parts

#: What the list holds when the address is typed in beside it.
TYPED = "typed"
#: A host on the internet that answers a ping.
ON_THE_INTERNET = "8.8.8.8"


def endpoints(network: Network, public: bool) -> list[tuple[str, str]]:
    """List what a packet can go between: instances, interfaces, then a host on the internet.

    Args:
        network: Where they are.
        public: Whether to list public addresses too: a packet can arrive there, but none is sent from there.

    Returns:
        Pairs of a label and what `lab.trace` calls the endpoint.
    """
    found = []
    for interface in network.interfaces.values():
        if network.nat_gateway_at(interface.id):
            continue
        key, address = _key(network, interface), str(interface.primary) if interface.addresses else "no address"
        found.append((f"{key} · {address}", key))
        if public:
            found += [(f"{key} · public {address}", str(address)) for address in interface.public.values()]
    return [*found, (f"the internet · {ON_THE_INTERNET}", ON_THE_INTERNET)]


def _key(network: Network, interface: Interface) -> str:
    """Return the name of the instance or the interface if it means this interface alone, else the interface's id."""
    instance = network.instances.get(interface.instance or "")
    names = [instance.name, instance.id] if instance else [interface.name]
    for name in names:
        try:
            if network.interface_of(name) == interface:
                return name
        except LookupError:
            continue
    return interface.id


class EndpointPicker:
    """A list of endpoints, and a line for any other address, name or id.

    Attributes:
        widget: The two side by side.
    """

    def __init__(self, label: str, value: str | None, public: bool, on_change: Callable[[], None]) -> None:
        """Make the controls.

        Args:
            label: `From` or `To`.
            value: What is chosen at first, as `lab.trace` takes it.
            public: As for `endpoints`.
            on_change: Called when a person chooses.
        """
        self._public, self._on_change = public, on_change
        self._is_chosen, self._is_typed = bool(value), False
        self.choice = parts.dropdown(label, [(value or "another address", value or TYPED)])
        self.typed = parts.text(f"{label}, address", placeholder="10.2.0.126", width="18em")
        self.widget = parts.row(self.choice, self.typed)
        self._moves = parts.Moves()
        self._moves.watch(self._changed, self.choice, self.typed)

    @property
    def value(self) -> str:
        """What `lab.trace` takes: a name, an id or an address."""
        return str(self.typed.value.strip() if self.choice.value == TYPED else self.choice.value)

    def offer(self, network: Network, usual: str) -> None:
        """Offer what is in the network now. What a person chose stays, even if it is gone; before that, `usual`.

        Whoever wants to type keeps the line to type in, also for the name of something in the list.
        """
        kept = self.value if self._is_chosen else usual
        self._is_chosen = bool(kept) or self._is_chosen
        offered = [*endpoints(network, self._public), ("another address, name or id", TYPED)]
        with self._moves.quiet():
            if list(self.choice.options) != offered:
                self.choice.options = offered
            if not self._is_typed and kept in [value for _, value in offered[:-1]]:
                self.choice.value = kept
            else:
                self.choice.value, self.typed.value = TYPED, kept
        self._show_line()

    def _show_line(self) -> None:
        self.typed.layout.display = "" if self.choice.value == TYPED else "none"

    def _changed(self) -> None:
        self._show_line()
        self._is_chosen, self._is_typed = True, self.choice.value == TYPED
        self._on_change()
