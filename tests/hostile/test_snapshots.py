"""Folders that are almost the answers of EC2: `Network.from_files` refuses them by name, or they can be asked.

What is loaded is traced through as well: a fault that shows only then is a raw error, too.
"""

from __future__ import annotations

import json
import os
import random
import re
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from labkit.errors import LabError, SnapshotError
from labkit.network import Network, Packet, echo_request, tcp, udp
from tests.hostile.fuzzing import SOAK, Outcomes, mutate_bytes, mutate_json
from tests.network.test_files import as_batfish, as_one_file, as_the_cli, everything

#: Answers by the paths of their files.
Snapshot = dict[Path, Any]

_ENCODINGS = ("utf-8", "utf-8-sig", "utf-16", "utf-16-be", "utf-32", "cp1252", "utf-7")


def snapshots(folder: Path) -> list[Snapshot]:
    """A network with a part of each kind in three forms; each in a folder of its own."""
    found = []
    for form in (as_the_cli, as_batfish, as_one_file):
        form(folder / form.__name__, everything().parts)
        files = sorted((folder / form.__name__).rglob("*.json"))
        found.append({file: json.loads(file.read_text(encoding="utf-8")) for file in files})
    return found


def ask(network: Network) -> None:
    """Trace packets of each kind between addresses in the network and outside it, and read the paths."""
    own = sorted({address for each in network.interfaces.values() for address in each.addresses}, key=str)
    public = {address for each in network.interfaces.values() for address in each.public.values()}
    makers: list[Callable[[Any, Any], Packet]] = [
        echo_request,
        lambda src, dst: tcp(src, dst, 443),
        lambda src, dst: udp(src, dst, 53),
    ]
    for number, destination in enumerate([*own, *public, "198.51.100.7", "2001:db8::1", "10.2.0.200"]):
        source = own[number % len(own)] if own else "203.0.113.9"
        for make in makers:
            with suppress(LabError):
                str(network.trace(make(source, destination))).encode()
        with suppress(LabError):
            str(network.trace_between(str(source), str(destination), "tcp", 22)).encode()
    for name in [*map(network.name, network.instances), *network.interfaces]:
        with suppress(LabError):
            str(network.trace_between(name, "instance-2")).encode()


def renamed(rng: random.Random, content: Any) -> Any:
    """The content with one id in place of another, so that what names it no longer fits."""
    text = json.dumps(content)
    ids = sorted(set(re.findall(r'"((?:vpc|subnet|rtb|sg|acl|eni|nat|igw|pcx|eigw|pl|i)-[\w-]+)"', text)))
    if not ids:
        return content
    old, new = rng.choice(ids), rng.choice([*ids, "vpc-0", "subnet-9"])
    parts = text.split(f'"{old}"')
    at = rng.randrange(1, len(parts)) if len(parts) > 1 else 0
    return json.loads(f'"{old}"'.join(parts[:at]) + (f'"{new}"' if at else "") + f'"{old}"'.join(parts[at:]))


def mutated(rng: random.Random, content: Any) -> bytes | None:
    """A file's bytes with some fault; None to leave the file out."""
    kind = rng.randrange(20)
    if kind == 0:
        return None
    if kind == 1:
        return json.dumps(content, ensure_ascii=False).encode(rng.choice(_ENCODINGS))
    if kind <= 5:
        return mutate_bytes(rng, json.dumps(content).encode())
    if kind <= 8:
        return json.dumps(renamed(rng, content)).encode()
    return json.dumps(mutate_json(rng, content)).encode()


def test_mutated_snapshots(outcomes: Outcomes, tmp_path: Path) -> None:
    rng = random.Random("snapshots")
    bases = snapshots(tmp_path)
    for number in range(350 * SOAK):
        snapshot = bases[number % len(bases)]
        changed = rng.sample(sorted(snapshot), min(len(snapshot), rng.choice((1, 1, 2))))
        contents = {file: mutated(rng, snapshot[file]) for file in changed}
        for file, content in contents.items():
            file.unlink() if content is None else file.write_bytes(content)
        root = tmp_path / file.relative_to(tmp_path).parts[0]
        with outcomes.of({str(file.relative_to(tmp_path)): content for file, content in contents.items()}):
            ask(Network.from_files(root))
        for file in changed:
            file.write_text(json.dumps(snapshot[file]), encoding="utf-8")


def deep(folder: Path) -> None:
    (folder / "vpcs.json").write_text("[" * 200_000)


def huge(folder: Path) -> None:
    with (folder / "vpcs.json").open("wb") as file:
        file.truncate(2**40)


def number_of_a_million_digits(folder: Path) -> None:
    (folder / "vpcs.json").write_text('{"Vpcs": [' + "9" * 1_000_000 + "]}")


def not_a_list(folder: Path) -> None:
    (folder / "pcx.json").write_text('{"VpcPeeringConnections": 5}')


def other_vpc(folder: Path) -> None:
    parts = everything().parts
    parts["NetworkInterfaces"][0]["VpcId"] = "vpc-2"
    as_the_cli(folder, parts)


def ipv6_nat(folder: Path) -> None:
    parts = everything().parts
    interface = next(each for each in parts["NetworkInterfaces"] if each["NetworkInterfaceId"] == "eni-nat-1")
    for key in ("PrivateIpAddress", "PrivateIpAddresses", "Association"):
        interface.pop(key, None)
    interface["Ipv6Addresses"] = [{"Ipv6Address": "2600:1f18::5"}]
    as_the_cli(folder, parts)


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (deep, "vpcs.json is nested far deeper than any answer of EC2"),
        (huge, "vpcs.json has 1048576 MiB, and labkit reads no answer of more than 256"),
        (number_of_a_million_digits, "vpcs.json is not JSON"),
        (not_a_list, "pcx.json: VpcPeeringConnections is 5, not a list"),
        (other_vpc, "contradict each other: .* is in vpc-2, and its subnet"),
        (ipv6_nat, "nat-1 is a NAT gateway, and its interface eni-nat-1 has no IPv4 address"),
    ],
)
def test_a_spoiled_folder_is_refused_by_name(spoil: Callable[[Path], None], words: str, tmp_path: Path) -> None:
    as_the_cli(tmp_path, everything().parts)
    spoil(tmp_path)
    with pytest.raises(SnapshotError, match=words):
        Network.from_files(tmp_path)


@pytest.mark.parametrize("name", ["x" * 5000, "a\0b", None, 5, b"data", "/dev/null"])
def test_what_is_no_folder_is_refused(name: Any) -> None:
    with pytest.raises(SnapshotError, match="folder"):
        Network.from_files(name)


@pytest.mark.skipif(os.name == "nt", reason="Windows lets few people make links")
def test_links_and_pipes_in_a_folder_are_no_trap(tmp_path: Path) -> None:
    as_the_cli(tmp_path, everything().parts)
    (tmp_path / "loop.json").symlink_to(tmp_path / "loop.json")
    (tmp_path / "nowhere.json").symlink_to(tmp_path / "gone")
    (tmp_path / "circle").symlink_to(tmp_path)
    (tmp_path / "folder.json").mkdir()
    os.mkfifo(tmp_path / "pipe.json")
    assert Network.from_files(tmp_path) == everything().network()
