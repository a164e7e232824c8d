"""The commands of an instance's shell, which runs them: one module a command, `system` for the small ones."""
