"""Whose request it is: each must be signed with the keys of this embedded AWS, by Signature Version 4.

The keys are random, and only the process that starts the embedded AWS hands them on. So another user of the same
computer can reach the server's port and do nothing there.

AWS also refuses a signature that is 15 minutes old. Here time is virtual, so dates are not compared with the clock.
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
"""

from __future__ import annotations

import hmac
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from hashlib import sha256
from typing import Any

from labkit.embedded.api.refusals import EC2, QUERY, REST_XML, AwsError

_HEADER = re.compile(
    r"AWS4-HMAC-SHA256\s+Credential=([^/,\s]+)/\d{8}/([a-z0-9-]+)/([a-z0-9.-]+)/aws4_request,"
    r"\s*SignedHeaders=([a-z0-9;_-]+),\s*Signature=([0-9a-f]{64})\s*",
    re.IGNORECASE,
)

#: The header in which some services want the hash of the body.
_HASH = "x-amz-content-sha256"

#: AWS's words: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html (AuthFailure),
#: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-troubleshooting.html
_UNKNOWN = "The security token included in the request is invalid."
_DIFFERS = (
    "The request signature we calculated does not match the signature you provided. "
    "Check your AWS Secret Access Key and signing method. Consult the service documentation for details."
)
_NOT_VALIDATED = "AWS was not able to validate the provided access credentials."
_WHAT_TO_DO = (
    " The embedded AWS takes only the keys in the environment of the kernel that connected to it. "
    "Call labkit.connect() here, then make the client again, without keys of its own."
)


@dataclass(frozen=True, slots=True)
class Keys:
    """The keys with which all requests to an embedded AWS are signed.

    Attributes:
        access_key_id: The public half, 20 capital letters and digits, as AWS's are.
        secret_access_key: The secret half. It is not shown.
    """

    access_key_id: str
    secret_access_key: str = field(repr=False)


def new_keys() -> Keys:
    """Return keys that nobody can guess."""
    return Keys(f"LABKIT{secrets.token_hex(7).upper()}", secrets.token_urlsafe(30))


@dataclass(frozen=True, slots=True)
class Signature:
    """What a request's Authorization header says.

    Attributes:
        access_key_id: With whose keys it is signed.
        region: The region that it is signed for.
        service: The service that it is signed for.
        headers: The names of the headers that are signed, in lower case.
        value: The signature, in hexadecimal digits.
    """

    access_key_id: str
    region: str
    service: str
    headers: tuple[str, ...]
    value: str

    @classmethod
    def read(cls, authorization: str) -> Signature | None:
        """Return what the header says; None where it is no signature of version 4.

        >>> signature = Signature.read(
        ...     "AWS4-HMAC-SHA256 Credential=AKID/20251203/us-east-1/ec2/aws4_request, SignedHeaders=host, Signature="
        ...     + 64 * "0"
        ... )
        >>> signature.service, signature.region, signature.headers
        ('ec2', 'us-east-1', ('host',))
        """
        found = _HEADER.fullmatch(authorization)
        if found is None:
            return None
        access_key_id, region, service, headers, value = found.groups()
        return cls(access_key_id, region.lower(), service.lower(), tuple(headers.lower().split(";")), value.lower())


def check(signature: Signature, keys: Keys, environ: Mapping[str, Any], body: bytes) -> None:
    """Check that a request is signed with the keys, and is as it was when it was signed.

    Args:
        signature: What its Authorization header says.
        keys: The keys of this embedded AWS.
        environ: Its WSGI environ, with the path and query as they were sent in `REQUEST_URI`.
        body: Its body.

    Raises:
        AwsError: It is not, in the words of the service.
    """
    if not _equal(signature.access_key_id, keys.access_key_id):
        raise _refusal(signature.service, known=False)
    if not _equal(signature.value, _computed(signature, keys, environ, body)):
        raise _refusal(signature.service, known=True)


def _computed(signature: Signature, keys: Keys, environ: Mapping[str, Any], body: bytes) -> str:
    """Return the signature that the request would have, had it been signed with the keys."""
    date, given = environ.get("HTTP_X_AMZ_DATE", ""), sha256(body).hexdigest()
    headers = {name: value for name in signature.headers if (value := _header(environ, name)) is not None}
    if not environ["REQUEST_URI"].startswith("/") or headers.get(_HASH, given) != given:
        return ""
    lines = [f"{name}:{' '.join(headers[name].split())}" for name in sorted(headers)]
    target = _target(environ["REQUEST_URI"], signature.service)
    canonical = "\n".join([environ["REQUEST_METHOD"], *target, *lines, "", ";".join(sorted(headers)), given])
    scope = f"{date[:8]}/{signature.region}/{signature.service}/aws4_request"
    text = f"AWS4-HMAC-SHA256\n{date}\n{scope}\n{sha256(canonical.encode()).hexdigest()}"
    return hmac.digest(_key(keys.secret_access_key, scope), text.encode(), "sha256").hex()


@lru_cache(maxsize=100)
def _key(secret: str, scope: str) -> bytes:
    key = f"AWS4{secret}".encode()
    for part in scope.split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    return key


@lru_cache(maxsize=100)
def _target(uri: str, service: str) -> tuple[str, str]:
    """Return a request's path and query as botocore writes them in what it signs."""
    from botocore.auth import S3SigV4Auth, SigV4Auth
    from botocore.awsrequest import AWSRequest

    kind = S3SigV4Auth if service == "s3" else SigV4Auth  # which write a path differently
    _, path, query, *_ = kind(None, service, "").canonical_request(AWSRequest("GET", f"http://a{uri}")).split("\n")
    return path, query


def _header(environ: Mapping[str, Any], name: str) -> str | None:
    key = name.upper().replace("-", "_")
    return environ.get(key if key in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{key}")


def _equal(given: str, expected: str) -> bool:
    """Whether two texts are equal, in a time that tells nothing about where they differ."""
    return hmac.compare_digest(given.encode(), expected.encode())


def _refusal(service: str, *, known: bool) -> AwsError:
    """Return AWS's refusal of a request, whose keys it knows or not, by the protocol of the service."""
    if service in EC2:
        return AwsError("AuthFailure", _NOT_VALIDATED + _WHAT_TO_DO, status=401)
    message = (_DIFFERS if known else _UNKNOWN) + _WHAT_TO_DO
    if service in QUERY:
        return AwsError("SignatureDoesNotMatch" if known else "InvalidClientTokenId", message, status=403)
    if service in REST_XML:
        return AwsError("SignatureDoesNotMatch" if known else "InvalidAccessKeyId", message, status=403)
    return AwsError("InvalidSignatureException" if known else "UnrecognizedClientException", message)
