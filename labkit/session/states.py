"""Waits for the state of a thing in EC2 that the next step needs; `lab.wait_for` does it."""

from __future__ import annotations

from typing import Any

from labkit.errors import LabError
from labkit.session.given import require_text
from labkit.session.kinds import BY_PREFIX
from labkit.session.paging import all_of
from labkit.session.waiting import poll


def wait_for(ec2: Any, id: str, states: tuple[str, ...], patience: float) -> str:
    """Wait until a thing is in one of some states, and return that state.

    Args:
        ec2: A boto3 client of EC2.
        id: Its id.
        states: The states.
        patience: How many seconds to wait.

    Raises:
        LabError: It has no states, it will not come into these, or it has not within that time.
    """
    for state in states:
        require_text(state, "a state", f"lab.wait_for({id!r}, 'available')")
    kind = BY_PREFIX.get(str(id).partition("-")[0])
    if kind is None:
        raise LabError(f"{id!r} is not the id of anything that lab.wait_for knows. Give one, such as lab.find returns.")
    if not states:
        raise LabError(f"Say which state to wait for, such as lab.wait_for({id!r}, 'available').")
    # What is going away becomes nothing but gone.
    final = kind.gone if set(states) & set(kind.gone) else kind.gone + kind.going
    wanted, now = " or ".join(states), ""

    def arrived() -> bool:
        nonlocal now
        try:
            found = all_of(ec2, kind.operation, kind.path, **{f"{kind.id}s": [id]})
        except ec2.exceptions.ClientError as error:
            if not error.response["Error"]["Code"].endswith("NotFound"):
                raise
            found = []
        now = kind.state(found[0]) if found else ""
        if found and not now:
            raise LabError(f"The {kind.word} {id} has no state, so there is nothing to wait for.")
        if now in final and now not in states:
            raise LabError(f"The {kind.word} {id} is {now}, so it will not be {wanted}.")
        return now in states

    if poll(arrived, patience=patience, every=3, awaited=lambda: f"the {kind.word} {id} to be {wanted}"):
        return now
    if not now:
        raise LabError(f"There is no {kind.word} {id}.")
    if now in kind.leave:
        call = kind.leave[now].format(id=id)
        raise LabError(f"The {kind.word} {id} is {now}, and stays so until you call {call}. Then run the cell again.")
    raise LabError(f"The {kind.word} {id} is {now}, not {wanted}. If it is on the way there, run the cell again.")
