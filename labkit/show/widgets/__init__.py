"""What a student can move: each widget shows what a plain function gives, and says in code how to get it.

Import from the modules, or use `lab.widgets`.
"""
