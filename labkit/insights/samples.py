"""Sample queries over flow logs, which the Insights box of the widgets offers."""

from __future__ import annotations

import tomllib
from pathlib import Path

SAMPLES: dict[str, str] = tomllib.loads(Path(__file__).with_name("samples.toml").read_text(encoding="utf-8"))
"""Each query by its name, one command a line."""
