"""The commands of an instance's shell, one module a command."""
