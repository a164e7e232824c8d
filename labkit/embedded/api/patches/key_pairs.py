"""Key pairs: they can be deleted by their ids."""

from __future__ import annotations

from typing import Any

from labkit.embedded.api.patches import EC2_API, Moto, around
from labkit.embedded.api.refusals import AwsError


@around(
    "key-pairs-are-deleted-by-id",
    rule="DeleteKeyPair takes the id of a key pair in place of its name; that it refuses an id that doesn't exist is "
    "widely reported.",
    source=f"{EC2_API}API_DeleteKeyPair.html",
    hook="moto.ec2.responses.key_pairs:KeyPairs.delete_key_pair",
)
def _by_id(self: Any, _: dict[str, Any], moto: Moto) -> Any:
    from moto.core.responses import ActionResult

    id = self._get_param("KeyPairId")
    if id is None:
        return moto()
    name = next((pair.key_name for pair in self.ec2_backend.key_pairs.values() if pair.id == id), None)
    if name is None:
        raise AwsError("InvalidKeyPair.NotFound", f"The key pair '{id}' does not exist")
    self.ec2_backend.delete_key_pair(name)
    return ActionResult({"Return": True, "KeyPairId": id})
