"""The API of the embedded AWS: moto behind a loopback server, patched where it departs from AWS."""
