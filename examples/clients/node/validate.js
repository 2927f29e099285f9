// Reads a token from standard input and asks Countersign whether it is good.
//
// Exit codes: 0 valid, 1 refused, 2 wrong usage, 3 nobody can tell.

import { text } from "node:stream/consumers";
import { parseArgs } from "node:util";
import grpc from "@grpc/grpc-js";
import { errorReason } from "./error-reason.js";
import { Refused, Validator } from "./validator.js";

const VALID = 0;
const REFUSED = 1;
const USAGE = 2;
const CANNOT_TELL = 3;

function connect() {
  const { values } = parseArgs({
    options: {
      address: {
        type: "string",
        default: process.env.COUNTERSIGN_ADDRESS || "127.0.0.1:50051",
      },
      timeout: { type: "string", default: "1" }, // seconds
      "ca-file": { type: "string" },
      "server-name": { type: "string" },
    },
  });
  const timeout = Number(values.timeout) * 1000;
  if (!(timeout > 0)) {
    throw new TypeError("--timeout is a number of seconds");
  }
  return new Validator(values.address, {
    timeout,
    caFile: values["ca-file"],
    serverName: values["server-name"],
  });
}

async function main() {
  let validator;
  try {
    validator = connect();
  } catch (error) {
    console.error(error.message);
    return USAGE;
  }
  const token = (await text(process.stdin)).trim();
  try {
    const { subject } = await validator.validate(token);
    console.log(`valid: ${subject}`);
    return VALID;
  } catch (error) {
    if (error instanceof Refused) {
      console.log(`refused: ${error.reason}`);
      return REFUSED;
    }
    // What is not a status is a mistake in this program, and ends it.
    if (!(error.metadata instanceof grpc.Metadata)) throw error;
    console.log(`cannot tell: ${grpc.status[error.code]} ${errorReason(error)}`.trim());
    console.error(error.details);
    return CANNOT_TELL;
  } finally {
    validator.close();
  }
}

process.exitCode = await main();
