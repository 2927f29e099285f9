// Asks a Countersign service whether tokens are good.

import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import grpc from "@grpc/grpc-js";
import protoLoader from "@grpc/proto-loader";

const PROTOS = fileURLToPath(new URL("../../../proto", import.meta.url));
const { countersign } = grpc.loadPackageDefinition(
  protoLoader.loadSync("countersign/v1/token.proto", {
    includeDirs: [PROTOS],
    enums: String,
    longs: String,
    defaults: true, // empty fields are empty, not undefined
    oneofs: true, // without it there is no `outcome` to ask
  }),
);

// Retries are for calls that only ask. Refresh is not idempotent: a retry could use a
// refresh token up without anybody getting the new one, so it is not named here, and
// neither is the whole service. round_robin spreads the calls over all addresses that
// the name resolves to.
const SERVICE_CONFIG = {
  loadBalancingConfig: [{ round_robin: {} }],
  methodConfig: [
    {
      name: [
        { service: "countersign.v1.TokenService", method: "Validate" },
        { service: "countersign.v1.TokenService", method: "BatchValidate" },
      ],
      retryPolicy: {
        maxAttempts: 3,
        initialBackoff: "0.05s",
        maxBackoff: "0.5s",
        backoffMultiplier: 2,
        retryableStatusCodes: ["UNAVAILABLE"],
      },
    },
  ],
  retryThrottling: { maxTokens: 10, tokenRatio: 0.1 },
};

/** The answer about a token that is not good. */
export class Refused extends Error {
  constructor({ reason, message = "", recovery }) {
    super(`token refused: ${reason}: ${message}`);
    this.name = "Refused";
    /** A name such as EXPIRED, or a number if this client is too old to know it. */
    this.reason = String(reason).replace(/^REASON_/, "");
    this.recovery = recovery;
  }
}

/** One connection for the whole process. */
export class Validator {
  /**
   * The address is HOST:PORT or dns:///HOST:PORT; the timeout, in milliseconds, is for one
   * call with its retries. With `caFile` the connection uses TLS and trusts the authorities
   * in that PEM file only; the server must have a certificate for `serverName` or, without
   * one, for the host in the address.
   */
  constructor(address, { timeout = 1000, caFile, serverName } = {}) {
    // An empty name is no file, and no leave to do without TLS.
    const credentials =
      caFile === undefined
        ? grpc.credentials.createInsecure()
        : grpc.credentials.createSsl(readFileSync(caFile));
    const options = { "grpc.service_config": JSON.stringify(SERVICE_CONFIG) };
    if (serverName) {
      options["grpc.ssl_target_name_override"] = serverName;
    }
    this.service = new countersign.v1.TokenService(address, credentials, options);
    this.timeout = timeout;
  }

  close() {
    this.service.close();
  }

  /**
   * What a good token says. `conditions` are further fields of ValidateRequest, such as
   * `requiredScopes`. Rejects with Refused if the token is not good, and with a
   * grpc.ServiceError if nobody could tell.
   */
  async validate(token, conditions = {}) {
    const response = await this.#ask({ ...conditions, token });
    // docs: begin
    switch (response.outcome) {
      case "token":
        return response.token;
      case "rejection":
        throw new Refused(response.rejection);
      default: // nothing that this client knows: not a yes
        throw new Refused({ reason: "NO_OUTCOME" });
    }
    // docs: end
  }

  #ask(request) {
    const deadline = Date.now() + this.timeout;
    return new Promise((resolve, reject) => {
      this.service.validate(request, { deadline }, (error, response) =>
        error ? reject(error) : resolve(response),
      );
    });
  }
}
