"""Notebooks 00 to 03, each run in JupyterLab in a browser."""

from __future__ import annotations

from tests.browser import chapters

test_a_student_runs_it = chapters.test_of([name for name in chapters.NAMES if name < "04"])
