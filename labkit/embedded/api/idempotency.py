"""A request to EC2 that is sent twice takes effect once, if it bears a client token; boto3 puts one into many.

https://docs.aws.amazon.com/ec2/latest/devguide/ec2-api-idempotency.html
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from labkit.embedded.api.refusals import Answer, AwsError


class ClientTokens:
    """The answers of the requests that were carried out, by action and token.

    >>> tokens = ClientTokens()
    >>> for status in (200, 500):
    ...     tokens.once({"Action": "RunInstances", "ClientToken": "a"}, lambda: (status, {}, ""))
    (200, {}, '')
    (200, {}, '')
    """

    def __init__(self) -> None:
        self._done: dict[tuple[str, str], tuple[dict[str, str], Answer]] = {}

    def once(self, request: Mapping[str, str], carry_out: Callable[[], Answer]) -> Answer:
        """Carry a request out, or give the answer that it got before; one that failed may be tried again.

        Parameters: `request` has the parameters by name, `Action` among them.
        Raises AwsError where another request bore the token.
        """
        token = request.get("ClientToken")
        if not token:
            return carry_out()
        key, parameters = (request["Action"], token), dict(request.items())
        if key not in self._done:
            answer = carry_out()
            if answer[0] < 400:
                self._done[key] = (parameters, answer)
            return answer
        before, answer = self._done[key]
        if before != parameters:
            raise AwsError("IdempotentParameterMismatch", f"The client token {token} was used for another request.")
        return answer
