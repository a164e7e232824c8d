"""What an instance does by itself after its launch. It is done at once, unless a contrary behavior is on."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Boot:
    """An instance's boot.

    Attributes:
        agent_registers: When its SSM agent registers with Systems Manager, in seconds since the epoch.
        user_data_ends: When its user data is through: only then it has what the user data installs.
    """

    agent_registers: float = 0.0
    user_data_ends: float = 0.0
