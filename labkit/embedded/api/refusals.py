"""The errors that the embedded AWS answers with, in the three forms that AWS's protocols have."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from xml.sax.saxutils import escape

HttpResponse = tuple[int, dict[str, str], str]
"""Status, headers and body, as moto's responses give them."""

#: The services whose errors are XML, by protocol as botocore's models name it; every other service's are JSON.
EC2 = {"ec2"}
QUERY = {"iam", "sts", "autoscaling", "cloudformation", "elasticloadbalancing", "rds", "sns"}
REST_XML = {"s3", "cloudfront", "route53"}


class AwsError(Exception):
    """An error as AWS answers it; boto3 raises it as a ClientError.

    Attributes:
        code: AWS's error code.
        message: AWS's message.
        status: The HTTP status. botocore repeats a request that is answered with a 5xx.
        members: The other members of the error's shape, for services whose protocol is JSON.
    """

    def __init__(self, code: str, message: str, *, status: int = 400, **members: Any) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status
        self.members = members


class NotInEmbeddedAwsError(AwsError):
    """Something that AWS does and the embedded AWS does not.

    Args:
        what: What completes "The embedded AWS does not …".
    """

    def __init__(self, what: str) -> None:
        super().__init__(
            "NotImplemented",
            f"The embedded AWS does not {what}; it works on a real account (labkit.connect('aws')).",
        )


def render(
    service: str, code: str, message: str, request_id: str, status: int = 400, members: Mapping[str, Any] | None = None
) -> HttpResponse:
    """Return the response that boto3 parses into a ClientError.

    Args:
        service: The service that was asked, by its name in a signature.
        code: AWS's error code.
        message: AWS's message.
        request_id: The request's id.
        status: The HTTP status. botocore repeats a request that is answered with a 5xx, and sleeps in between.
        members: The other members of the error's shape, for services whose protocol is JSON.

    Sources: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html,
    https://docs.aws.amazon.com/IAM/latest/APIReference/CommonErrors.html, https://smithy.io/2.0/aws/protocols/.
    """
    headers = {"x-amzn-requestid": request_id}
    if service not in EC2 | QUERY | REST_XML:
        headers |= {"content-type": "application/x-amz-json-1.1", "x-amzn-errortype": code}
        return status, headers, json.dumps({"__type": code, "message": message, **(members or {})})
    headers["content-type"] = "text/xml;charset=UTF-8"
    error = f"<Code>{escape(code)}</Code><Message>{escape(message)}</Message>"
    if service in EC2:
        body = f"<Response><Errors><Error>{error}</Error></Errors><RequestID>{request_id}</RequestID></Response>"
    elif service in QUERY:
        error = f"<Error><Type>Sender</Type>{error}</Error>"
        body = f"<ErrorResponse>{error}<RequestId>{request_id}</RequestId></ErrorResponse>"
    else:
        body = f"<Error>{error}<RequestId>{request_id}</RequestId></Error>"
    return status, headers, f'<?xml version="1.0" encoding="UTF-8"?>\n{body}'
