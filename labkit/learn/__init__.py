"""The course around the notebooks: catching up, checks, exercises, quizzes, and what a student has passed.

`labkit.lab` and `labkit progress` use it. A chapter's part is a module of `chapters`, with its texts in `toml`.
"""
