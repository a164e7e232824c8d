"""The fixture of the lab's tests that every test of a lab needs."""

from tests.lab.conftest import settled as settled
