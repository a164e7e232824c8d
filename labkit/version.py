"""The version of labkit, in a module of its own so that every room can read it. Keep it readable for Python 3.6."""

__version__ = "0.2.0"
