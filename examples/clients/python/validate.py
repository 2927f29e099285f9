"""Reads a token from standard input and asks Countersign whether it is good.

Exit codes: 0 valid, 1 refused, 2 wrong usage, 3 nobody can tell.
"""

import argparse
import os
import sys

import grpc
from google.rpc import error_details_pb2
from grpc_status import rpc_status
from validator import Refused, Validator

VALID, REFUSED, USAGE, CANNOT_TELL = range(4)


def main() -> int:
    args = arguments()
    try:
        validator = Validator(
            args.address,
            timeout=args.timeout,
            ca_file=args.ca_file,
            server_name=args.server_name,
        )
    except OSError as error:
        print(error, file=sys.stderr)
        return USAGE
    with validator:
        try:
            # Bytes that are no text make a token that the service refuses.
            token = sys.stdin.buffer.read().decode(errors="replace")
            info = validator.validate(token.strip())
        except Refused as refused:
            print("refused:", refused.reason)
            return REFUSED
        except grpc.RpcError as error:
            print(f"cannot tell: {error.code().name} {error_reason(error)}".rstrip())
            print(error.details(), file=sys.stderr)
            return CANNOT_TELL
    print("valid:", info.subject)
    return VALID


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--address",
        default=os.environ.get("COUNTERSIGN_ADDRESS") or "127.0.0.1:50051",
        help="HOST:PORT or dns:///HOST:PORT",
    )
    parser.add_argument(
        "--timeout",
        type=float,
        default=1.0,
        help="seconds for the call, with its retries",
    )
    parser.add_argument(
        "--ca-file",
        help="use TLS, and trust the authorities in this PEM file",
    )
    parser.add_argument(
        "--server-name",
        help="the name in the server's certificate, if it is not the address's",
    )
    return parser.parse_args()


def error_reason(error: grpc.RpcError) -> str:
    """google.rpc.ErrorInfo.reason, which says more than the code."""
    status = rpc_status.from_call(error)
    info = error_details_pb2.ErrorInfo()
    for detail in status.details if status else ():
        if detail.Unpack(info):
            return info.reason
    return ""


if __name__ == "__main__":
    sys.exit(main())
