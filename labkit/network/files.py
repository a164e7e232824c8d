"""From a folder of `describe-*` answers, as the AWS CLI prints them, to a `Network`.

What a file holds is told by the key of its list (`Vpcs`, `Subnets`, …), as the API has it, and only where the key is
missing by the file's name: https://docs.aws.amazon.com/cli/latest/reference/ec2/
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import fields, replace
from os import PathLike
from pathlib import Path
from typing import Any

from labkit.errors import SnapshotError
from labkit.network.model import Network
from labkit.network.read import OPERATIONS, Json, network_from

_PREFIX_LISTS = "PrefixLists"
_KINDS = (*OPERATIONS.values(), _PREFIX_LISTS)

#: The names that files of each kind go by, without `describe`: `vpcs` → `Vpcs`, `instances` → `Reservations`.
_FILE_NAMES = {kind.lower(): kind for kind in _KINDS} | {"instances": "Reservations"}


def read_files(folder: str | PathLike[str]) -> Network:
    """Read every JSON file of a folder and its subfolders, and make one Network of them."""
    root = Path(folder)
    files = [(file, list(_lists(file))) for file in _json_files(root)]
    if not any(found for _, found in files):
        raise SnapshotError(
            f"There is no JSON file in {root} that describes a network ({len(files)} looked at). Write some: "
            f"aws ec2 describe-vpcs --output json > {root / 'vpcs.json'}, and so on for each kind of thing."
        )
    lists = [(file, kind, parts) for file, found in files for kind, parts in found]
    prefix_lists = _prefix_lists(lists)
    networks: list[tuple[Path, Network]] = []
    for file, kind, parts in lists:
        if kind != _PREFIX_LISTS:
            with _naming(file, kind):
                networks.append((file, network_from(_only(kind, parts, prefix_lists))))
    network = _merged(networks)
    _be_whole(network, root)
    return network


def _json_files(root: Path) -> list[Path]:
    if root.is_file():
        return [root]
    if not root.is_dir():
        raise SnapshotError(f"There is no folder {root}. Give the one into which you wrote the answers of aws ec2.")
    found = (path for path in root.rglob("*") if path.suffix.lower() == ".json" and path.is_file())
    return sorted(path for path in found if not path.name.startswith("."))


def _lists(file: Path) -> Iterator[tuple[str, list[Json]]]:
    """The lists of parts in a file, each with its kind. Lists of other kinds, such as `Addresses`, are left aside."""
    content = file.read_bytes()
    if not content.strip():
        raise SnapshotError(f"{file} is empty: the command that should have filled it failed. Run it again.")
    try:
        document = json.loads(content)  # UTF-8 or, as a Windows shell writes it, UTF-16
    except ValueError as error:
        raise SnapshotError(f"{file} is not JSON ({error}). Ask the AWS CLI for --output json.") from None
    pages = document if isinstance(document, list) else [document]
    prefix_list = re.search(r"pl-\w+", file.stem)
    bare: list[Json] = []
    for page in pages:
        found = [kind for kind in _KINDS if isinstance(page, dict) and isinstance(page.get(kind), list)]
        for kind in found:
            yield kind, page[kind]
        if not found and isinstance(document, list):
            bare.append(page)
        elif not found and prefix_list and isinstance(page, dict) and "Entries" in page:
            yield _PREFIX_LISTS, [{"PrefixListId": prefix_list[0], **page}]
    name = re.sub("describe|[^a-z]", "", file.stem.lower())
    if bare:
        yield from ((kind, bare) for start, kind in _FILE_NAMES.items() if name.startswith(start))


def _prefix_lists(lists: Iterable[tuple[Path, str, list[Json]]]) -> list[Json]:
    """The prefix lists, each with its blocks from every page; those whose blocks no file gives are left out."""
    found: dict[str, dict[str, None]] = {}
    for file, kind, parts in lists:
        if kind == _PREFIX_LISTS:
            with _naming(file, kind):
                for part in parts:
                    # get-managed-prefix-list-entries has Entries, describe-prefix-lists Cidrs,
                    # describe-managed-prefix-lists neither
                    blocks = [*part.get("Cidrs", ()), *(entry["Cidr"] for entry in part.get("Entries", ()))]
                    found.setdefault(part["PrefixListId"], {}).update(dict.fromkeys(blocks))
    return [{"PrefixListId": id, "Entries": [{"Cidr": c} for c in blocks]} for id, blocks in found.items() if blocks]


def _only(kind: str, parts: list[Json], prefix_lists: list[Json]) -> dict[str, list[Json]]:
    if kind == "Reservations":  # or instances alone, as --query 'Reservations[].Instances[]' gives them
        parts = [{"Instances": [part]} if "InstanceId" in part else part for part in parts]
    return {**{each: [] for each in _KINDS}, kind: parts, _PREFIX_LISTS: prefix_lists}


@contextmanager
def _naming(file: Path, kind: str) -> Iterator[None]:
    """Turn what goes wrong with a file's list into an error that names the file."""
    try:
        yield
    except KeyError as error:
        reason = f"an entry of {kind} lacks {error}"
    except (TypeError, ValueError, AttributeError) as error:
        reason = f"an entry of {kind} has another form ({error})"
    else:
        return
    raise SnapshotError(f"{file} is not what EC2 answers: {reason}. Save the whole answer, with --output json.")


def _merged(networks: Iterable[tuple[Path, Network]]) -> Network:
    merged: dict[str, dict[str, Any]] = {field.name: {} for field in fields(Network)}
    told: dict[str, Path] = {}
    for file, network in networks:
        for field, parts in merged.items():
            for id, part in getattr(network, field).items():
                if id in parts and field != "prefix_lists" and replace(part, name="") != replace(parts[id], name=""):
                    raise SnapshotError(
                        f"{id} is described in {told[id]} and otherwise in {file}: they are of different moments. "
                        "Describe everything at once, into an empty folder."
                    )
                parts[id] = part
                told[id] = file
    return Network(**merged)


def _be_whole(network: Network, root: Path) -> None:
    """Raise where a part names another that a VPC always has and no file describes."""
    gaps = sorted(set(_gaps(network)))
    if gaps:
        operation, what = gaps[0]
        others = f" (and {len(gaps) - 1} more)" if len(gaps) > 1 else ""
        raise SnapshotError(
            f"The files in {root} are not a whole network: none describes {what}{others}. "
            f"Add the answer of aws ec2 {operation} --output json."
        )


def _gaps(network: Network) -> Iterator[tuple[str, str]]:
    """What is missing: the operation that would tell, and the part in words."""
    tables = {subnet for table in network.route_tables.values() for subnet in table.subnets}
    with_main = {table.vpc for table in network.route_tables.values() if table.main}
    with_acl = {subnet for acl in network.network_acls.values() for subnet in acl.subnets}
    for subnet in network.subnets.values():
        if subnet.vpc not in network.vpcs:
            yield "describe-vpcs", f"{subnet.vpc}, the VPC of {subnet.id}"
        if subnet.id not in tables and subnet.vpc not in with_main:
            yield "describe-route-tables", f"the route table of {subnet.id}: its own, or the main one of {subnet.vpc}"
        if subnet.id not in with_acl:
            yield "describe-network-acls", f"the network ACL of {subnet.id}"
    for interface in network.interfaces.values():
        if interface.subnet not in network.subnets:
            yield "describe-subnets", f"{interface.subnet}, the subnet of {interface.id}"
        for group in interface.groups:
            if group not in network.security_groups:
                yield "describe-security-groups", f"{group}, a security group of {interface.id}"
    for gateway in network.nat_gateways.values():
        if gateway.state == "available" and not gateway.regional and gateway.interface not in network.interfaces:
            yield "describe-network-interfaces", f"{gateway.interface}, the interface of {gateway.id}"
    rules = (rule for group in network.security_groups.values() for rule in (*group.ingress, *group.egress))
    named = {id for rule in rules for id in rule.prefix_lists}
    routes = (route for table in network.route_tables.values() for route in table.routes)
    named |= {route.destination for route in routes if route.destination.startswith("pl-")}
    for id in named - set(network.prefix_lists):
        yield f"get-managed-prefix-list-entries --prefix-list-id {id}", f"the blocks of the prefix list {id}"
