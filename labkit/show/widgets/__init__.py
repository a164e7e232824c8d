"""What a student can move: each widget shows what a plain function gives, and says in code how to get it.

Import from the modules, or use `lab.widgets`. Nothing here loads ipywidgets before the first widget is made.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from labkit.show.widgets.living import LabLike
    from labkit.show.widgets.packet_lab import PacketLab


class Widgets:
    """The widgets of a lab, one method each: `lab.widgets`.

    Parameters: `lab` is what they ask: a connected lab, or anything with its `network`, `client` and `records`.
    """

    def __init__(self, lab: LabLike) -> None:
        self._lab = lab

    def packet_lab(
        self, source: str | None = None, destination: str | None = None, protocol: str = "icmp", port: int | None = None
    ) -> PacketLab:
        """The interactive map: send any packet from anywhere to anywhere, and see step by step what becomes of it.

        The plain functions are `lab.trace(source, destination, protocol, port)` and `lab.map(path)`, which say what the
        parameters are. Raises LabError for an end that is given and not there.
        """
        from labkit.show.widgets.packet_lab import PacketLab

        return PacketLab(self._lab, source, destination, protocol, port)

    def __dir__(self) -> list[str]:
        return [name for name in vars(type(self)) if not name.startswith("_")]

    def __repr__(self) -> str:
        return "The widgets of this lab: " + ", ".join(f"lab.widgets.{name}(…)" for name in dir(self))
