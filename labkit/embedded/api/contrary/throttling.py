"""Throttling: an account may make only so many calls a second, and others use it too."""

from __future__ import annotations

from labkit.embedded.api.contrary import Account, Behavior, Call, CarryOut
from labkit.embedded.api.refusals import AwsError, HttpResponse

#: One call in so many is refused (modeled).
_ONE_IN = 12

#: The code, message and HTTP status by service, as AWS's SDKs know them.
_REFUSALS = {
    "ec2": ("RequestLimitExceeded", "Request limit exceeded.", 503),
    "iam": ("Throttling", "Rate exceeded", 400),
    "sts": ("Throttling", "Rate exceeded", 400),
}
_OF_JSON_SERVICES = ("ThrottlingException", "Rate exceeded", 400)


class Throttling(Behavior):
    """Refuses a call now and then; botocore repeats it, and the second time it passes."""

    name = "throttling"
    rule = (
        "A call is refused now and then because too many came: `RequestLimitExceeded` (503) from EC2, `Throttling` "
        "from IAM and STS, `ThrottlingException` from the others. Which calls, and how many, is modeled: about one in "
        "twelve, and never an action that was refused just before."
    )
    source = "https://docs.aws.amazon.com/ec2/latest/devguide/ec2-api-throttling.html"
    is_first = True

    def __init__(self, account: Account) -> None:
        super().__init__(account)
        self._refused: set[tuple[str, str]] = set()

    def around(self, call: Call, carry_out: CarryOut) -> HttpResponse:
        # A call that is repeated, whatever for, has fewer of botocore's attempts left.
        action = call.service, call.action
        was_refused = action in self._refused
        self._refused.add(action)
        if not was_refused and self.random.randrange(_ONE_IN) == 0:
            code, message, status = _REFUSALS.get(call.service, _OF_JSON_SERVICES)
            raise AwsError(code, message, status=status)
        answer = carry_out()
        if answer[0] < 400:
            self._refused.remove(action)
        return answer
