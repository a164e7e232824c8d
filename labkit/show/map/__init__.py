"""The map of a network, and a packet's path on it: `draw` lays it out, `Drawing` shows it."""

from labkit.show.map.drawing import Drawing, draw

__all__ = ["Drawing", "draw"]
