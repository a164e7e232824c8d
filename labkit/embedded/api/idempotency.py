"""Client tokens: a request to EC2 that is sent twice with one token takes effect once. boto3 puts a token into many.

https://docs.aws.amazon.com/ec2/latest/devguide/ec2-api-idempotency.html
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from labkit.embedded.api.refusals import AwsError, HttpResponse

#: How many responses are kept; the oldest go (modeled: AWS forgets a token after a time).
_MOST_KEPT = 1000


class ClientTokens:
    """The responses to the requests that one embedded AWS has carried out, by action and token.

    >>> tokens = ClientTokens()
    >>> for status in (200, 500):
    ...     tokens.once({"Action": "RunInstances", "ClientToken": "a"}, lambda: (status, {}, ""))
    (200, {}, '')
    (200, {}, '')
    """

    def __init__(self) -> None:
        self._done: dict[tuple[str, str], tuple[dict[str, str], HttpResponse]] = {}

    def once(self, request: Mapping[str, str], carry_out: Callable[[], HttpResponse]) -> HttpResponse:
        """Carry a request out, or return the response that it got before; a request that failed is carried out again.

        Args:
            request: The request's parameters by name, `Action` among them.
            carry_out: Carries the request out and returns its response.

        Raises:
            AwsError: Another request had the token.
        """
        token = request.get("ClientToken")
        if not token:
            return carry_out()
        key, parameters = (request["Action"], token), dict(request.items())
        if key not in self._done:
            response = carry_out()
            if response[0] < 400:
                self._done[key] = (parameters, response)
                if len(self._done) > _MOST_KEPT:
                    del self._done[next(iter(self._done))]
            return response
        before, response = self._done[key]
        if before != parameters:
            raise AwsError("IdempotentParameterMismatch", f"The client token {token} was used for another request.")
        return response
