"""The fixture that every test with a lab needs."""

from tests.lab.conftest import settled as settled
