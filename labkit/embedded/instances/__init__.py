"""The instances: Run Command, and the shell that prints what Amazon Linux 2023 would, when, and with which exit code.

Nothing here sends a real packet or runs a real command.
"""
