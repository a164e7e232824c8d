"""Make the parts of a network out of a folder of `describe-*` answers, as the AWS CLI prints them.

`Network.from_files` calls this. The key of a list (`Vpcs`, `Subnets`, …), as the API has it, says what a file holds,
and only where the key is missing the file's name: https://docs.aws.amazon.com/cli/latest/reference/ec2/
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import fields, replace
from ipaddress import ip_network
from os import PathLike
from pathlib import Path
from typing import Any

from labkit.errors import SnapshotError
from labkit.network.forms import FORMS, checked
from labkit.network.parts import Cidr
from labkit.network.read import OPERATIONS, Json, Parts, PrefixLists, read_parts
from labkit.network.topology import Topology
from labkit.status import quoted

_PREFIX_LISTS = "PrefixLists"
_KINDS = (*OPERATIONS.values(), _PREFIX_LISTS)

#: The names that files of each kind go by, without `describe`: `vpcs` → `Vpcs`, `instances` → `Reservations`.
_FILE_NAMES = {kind.lower(): kind for kind in _KINDS} | {"instances": "Reservations"}

#: The largest file that is read, in bytes: an answer of thousands of instances has a few million.
_LARGEST = 256 * 2**20


def read_files(folder: str | PathLike[str]) -> Parts:
    """Read every JSON file of a folder and its subfolders, and make the parts of one network of them.

    Raises:
        SnapshotError: A file is not an answer of EC2's, or the files are not a whole network.
    """
    if not isinstance(folder, (str, PathLike)):
        raise SnapshotError(
            f"{quoted(folder)} is not a folder. Give the name of the folder with the answers of aws ec2."
        )
    root = Path(folder)
    files = [(file, list(_lists(file))) for file in _json_files(root)]
    if not any(found for _, found in files):
        raise SnapshotError(
            f"There is no JSON file in {root} that describes a network ({len(files)} files were read). Write some: "
            f"aws ec2 describe-vpcs --output json > {root / 'vpcs.json'}, and so on for each kind of resource."
        )
    lists = [
        (file, kind, checked(described, [FORMS[kind]], f"{file}: {kind}"))
        for file, found in files
        for kind, described in found
    ]
    prefix_lists = _prefix_lists(part for _, kind, parts in lists if kind == _PREFIX_LISTS for part in parts)
    read = [(file, read_parts({kind: parts}, prefix_lists)) for file, kind, parts in lists if kind != _PREFIX_LISTS]
    parts = _merged(read) | {"prefix_lists": dict(prefix_lists)}
    network = Topology(**parts)
    _require_whole(network, root)
    if contradiction := next(_contradictions(network), None):
        raise SnapshotError(
            f"The files in {root} contradict each other: {contradiction}. "
            "Describe everything at once, in an empty folder."
        )
    return parts


def _json_files(root: Path) -> list[Path]:
    try:
        if root.is_file():
            return [root]
        if not root.is_dir():
            raise SnapshotError(f"There is no folder {root}. Give the folder with the answers of aws ec2.")
        found = sorted(path for path in root.rglob("*") if path.suffix.lower() == ".json" and path.is_file())
    except OSError as error:
        raise SnapshotError(f"{root} can't be read ({error.strerror}). Give another folder.") from None
    return [path for path in found if not path.name.startswith(".")]


def _document(file: Path) -> Any:
    """Return the JSON of a file."""
    try:
        if (size := file.stat().st_size) > _LARGEST:
            raise SnapshotError(
                f"{file} has {size >> 20} MiB, and labkit reads no answer of more than {_LARGEST >> 20}: "
                "is it an answer of EC2? Take it out of the folder, or save it page by page."
            )
        content = file.read_bytes()
    except OSError as error:
        raise SnapshotError(f"{file} can't be read ({error.strerror}). Make it readable, or take it away.") from None
    if not content.strip():
        raise SnapshotError(f"{file} is empty: the command that should have filled it failed. Run it again.")
    try:
        return json.loads(content)  # UTF-8 or, as a Windows shell writes it, UTF-16
    except ValueError as error:
        raise SnapshotError(f"{file} is not JSON ({error}). Ask the AWS CLI for --output json.") from None
    except RecursionError:
        raise SnapshotError(f"{file} is nested far deeper than any answer of EC2. Save the answer again.") from None


def _lists(file: Path) -> Iterator[tuple[str, list[Json]]]:
    """Yield the lists of parts in a file, each with its kind; those of other kinds (`Addresses`) are ignored.

    Instances alone, as `--query 'Reservations[].Instances[]'` gives them, are put into a reservation each.
    """
    document = _document(file)
    pages = document if isinstance(document, list) else [document]
    prefix_list = re.search(r"pl-\w+", file.stem)
    bare: list[Json] = []
    for page in pages:
        found = [kind for kind in _KINDS if isinstance(page, dict) and page.get(kind) is not None]
        for kind in found:
            yield kind, page[kind]
        if not found and isinstance(document, list):
            bare.append(page)
        elif not found and prefix_list and isinstance(page, dict) and "Entries" in page:
            yield _PREFIX_LISTS, [{"PrefixListId": prefix_list[0], **page}]
    name = re.sub("describe|[^a-z]", "", file.stem.lower())
    for start, kind in _FILE_NAMES.items() if bare else ():
        if name.startswith(start):
            alone = kind == "Reservations"
            yield kind, [{"Instances": [part]} if alone and _is_instance(part) else part for part in bare]


def _is_instance(part: object) -> bool:
    return isinstance(part, dict) and "InstanceId" in part


def _prefix_lists(parts: Iterable[Json]) -> PrefixLists:
    """Return the prefix lists, each with its blocks from every page; those whose blocks no file gives are left out."""
    found: dict[str, dict[Cidr, None]] = {}
    for part in parts:
        # get-managed-prefix-list-entries has Entries, describe-prefix-lists Cidrs, describe-managed-prefix-lists
        # neither
        blocks = [*part.get("Cidrs", ()), *(entry["Cidr"] for entry in part.get("Entries", ()))]
        found.setdefault(part["PrefixListId"], {}).update(dict.fromkeys(map(ip_network, blocks)))
    return {id: tuple(blocks) for id, blocks in found.items() if blocks}


def _merged(read: Iterable[tuple[Path, Parts]]) -> Parts:
    merged: Parts = {field.name: {} for field in fields(Topology)}
    described_in: dict[str, Path] = {}
    for file, found in read:
        for field, parts in found.items():
            for id, part in parts.items():
                known = merged[field].get(id)
                if known and replace(part, name="") != replace(known, name=""):
                    raise SnapshotError(
                        f"{id} is described in {described_in[id]} and differently in {file}: they are from "
                        "different times. Describe everything at once, in an empty folder."
                    )
                merged[field][id] = part
                described_in[id] = file
    return merged


def _require_whole(network: Topology, root: Path) -> None:
    """Raise where a part names another that a VPC always has and no file describes."""
    found = sorted(set(gaps(network)))
    if found:
        operation, what = found[0]
        others = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
        raise SnapshotError(
            f"The files in {root} are not a whole network: none describes {what}{others}. "
            f"Add the answer of aws ec2 {operation} --output json."
        )


def gaps(network: Topology) -> Iterator[tuple[str, str]]:
    """Yield what a network's parts name and it lacks: the operation that describes it, and the part in words."""
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


def _contradictions(network: Topology) -> Iterator[str]:
    """Yield what can't be so at the same time, of parts that are all there."""
    for interface in network.interfaces.values():
        subnet = network.subnets[interface.subnet]
        if interface.vpc != subnet.vpc:
            yield f"{interface.id} is in {interface.vpc}, and its subnet {subnet.id} in {subnet.vpc}"
    for gateway in network.nat_gateways.values():
        if gateway.state == "available" and not gateway.regional:
            interface = network.interfaces[gateway.interface]
            if gateway.vpc != interface.vpc:
                yield f"{gateway.id} is in {gateway.vpc}, and its interface {interface.id} in {interface.vpc}"
            if interface.primary.version != 4:
                yield f"{gateway.id} is a NAT gateway, and its interface {interface.id} has no IPv4 address"
