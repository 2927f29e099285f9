// google.rpc.ErrorInfo.reason of a status, which says more than its code. grpc-js hands the
// details over as bytes, and no small package knows their types, so here is what is needed
// of google/rpc/status.proto, google/protobuf/any.proto and google/rpc/error_details.proto.

import protoLoader from "@grpc/proto-loader";

const TYPES = protoLoader.fromJSON({
  nested: {
    Status: { fields: { details: { rule: "repeated", type: "Any", id: 3 } } },
    Any: { fields: { typeUrl: { type: "string", id: 1 }, value: { type: "bytes", id: 2 } } },
    ErrorInfo: { fields: { reason: { type: "string", id: 1 } } },
  },
});

/** The empty string if there is none. */
export function errorReason(error) {
  const [bytes] = error.metadata.get("grpc-status-details-bin");
  if (bytes === undefined) {
    return "";
  }
  const { details = [] } = TYPES.Status.deserialize(bytes);
  const info = details.find(({ typeUrl }) => typeUrl.endsWith("/google.rpc.ErrorInfo"));
  return info === undefined ? "" : TYPES.ErrorInfo.deserialize(info.value).reason;
}
