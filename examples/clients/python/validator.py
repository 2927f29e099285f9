"""Asks a Countersign service whether tokens are good."""

import json
from typing import Self

import grpc
from countersign.v1 import token_pb2, token_pb2_grpc, types_pb2

# Retries are for calls that only ask. Refresh is not idempotent: a retry could use a
# refresh token up without anybody getting the new one, so it is not named here, and
# neither is the whole service. round_robin spreads the calls over all addresses that
# the name resolves to.
SERVICE_CONFIG = {
    "loadBalancingConfig": [{"round_robin": {}}],
    "methodConfig": [
        {
            "name": [
                {"service": "countersign.v1.TokenService", "method": "Validate"},
                {"service": "countersign.v1.TokenService", "method": "BatchValidate"},
            ],
            "retryPolicy": {
                "maxAttempts": 3,
                "initialBackoff": "0.05s",
                "maxBackoff": "0.5s",
                "backoffMultiplier": 2,
                "retryableStatusCodes": ["UNAVAILABLE"],
            },
        }
    ],
    "retryThrottling": {"maxTokens": 10, "tokenRatio": 0.1},
}


class Refused(Exception):
    """The answer about a token that is not good.

    `reason` is a name such as EXPIRED, or a number if this client is too old to know it.
    """

    def __init__(self, reason: str, message: str = "", recovery: int = 0):
        super().__init__(f"token refused: {reason}: {message}")
        self.reason = reason
        self.message = message
        self.recovery = recovery


class Validator:
    """One channel for the whole process, safe to share between threads.

    The address is HOST:PORT or dns:///HOST:PORT; the timeout, in seconds, is for one call
    with its retries. With `ca_file` the channel uses TLS and trusts the authorities in
    that PEM file only; the server must have a certificate for `server_name` or, without
    one, for the host in the address.
    """

    def __init__(
        self,
        address: str,
        *,
        timeout: float = 1.0,
        ca_file: str | None = None,
        server_name: str | None = None,
    ):
        options = [("grpc.service_config", json.dumps(SERVICE_CONFIG))]
        if ca_file is None:
            self._channel = grpc.insecure_channel(address, options)
        else:
            if server_name is not None:
                options.append(("grpc.ssl_target_name_override", server_name))
            with open(ca_file, "rb") as file:
                credentials = grpc.ssl_channel_credentials(file.read())
            self._channel = grpc.secure_channel(address, credentials, options)
        self._service = token_pb2_grpc.TokenServiceStub(self._channel)
        self._timeout = timeout

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_) -> None:
        self._channel.close()

    def validate(self, token: str, **conditions) -> token_pb2.TokenInfo:
        """Returns what a good token says.

        `conditions` are further fields of ValidateRequest, such as `required_scopes`.
        Raises Refused if the token is not good, and grpc.RpcError if nobody could tell.
        """
        request = token_pb2.ValidateRequest(token=token, **conditions)
        # docs: begin
        response = self._service.Validate(request, timeout=self._timeout)
        # Never `if response.token:`, which is true for a rejection too.
        if response.WhichOneof("outcome") == "token":
            return response.token
        # docs: end
        if response.WhichOneof("outcome") == "rejection":
            raise _refused(response.rejection)
        raise Refused("NO_OUTCOME")


def _refused(rejection: types_pb2.Rejection) -> Refused:
    known = types_pb2.Reason.values()
    reason = str(rejection.reason)
    if rejection.reason in known:
        reason = types_pb2.Reason.Name(rejection.reason).removeprefix("REASON_")
    return Refused(reason, rejection.message, rejection.recovery)
