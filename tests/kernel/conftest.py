"""The kernel judges only where there is one that can; elsewhere its tests are skipped, with the reason.

`LABKIT_REQUIRE_KERNEL=1` makes a skip a failure, for CI. `LABKIT_KERNEL_NETWORKS=2000` judges more networks.
"""

from __future__ import annotations

import os

import pytest

from tests.kernel.namespaces import obstacle


@pytest.fixture(scope="session", autouse=True)
def kernel() -> None:
    reason = obstacle()
    if reason and os.environ.get("LABKIT_REQUIRE_KERNEL") == "1":
        pytest.fail(f"The Linux kernel must judge here (LABKIT_REQUIRE_KERNEL=1), and can't: {reason}")
    if reason:
        pytest.skip(reason)


@pytest.fixture(scope="session")
def networks() -> range:
    """The seeds of the networks to judge."""
    return range(int(os.environ.get("LABKIT_KERNEL_NETWORKS", "120")))
