// The authority that signs the certificates of gestaltd's relay, when it is not one that everybody trusts.
import { X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { GrpcCode } from "../../wire/codes.ts";
import {
  HOST_SERVICE_CA_FILE_VARIABLE as FILE_VARIABLE,
  HOST_SERVICE_CA_PEM_VARIABLE as PEM_VARIABLE,
} from "../environment.ts";
import { BridgeError } from "../errors.ts";
import { errorName } from "../grpc/node-errors.ts";

/** The PEM text, else the file's content, else undefined. Throws INVALID_ARGUMENT when there is no certificate in it. */
export function hostAuthority(env: Readonly<Record<string, string | undefined>>): string | undefined {
  const text = env[PEM_VARIABLE];
  if (text !== undefined && text !== "") return checked(text, PEM_VARIABLE);
  const file = env[FILE_VARIABLE];
  return file === undefined || file === "" ? undefined : checked(read(file), FILE_VARIABLE);
}

function read(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    const what = `cannot read the file that ${FILE_VARIABLE} names (${errorName(error)})`;
    throw new BridgeError(GrpcCode.invalidArgument, what, { cause: error });
  }
}

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

/** OpenSSL skips what it cannot read, and every connection would then fail with a text that leads nowhere. */
function checked(pem: string, variable: string): string {
  const certificates = pem.match(CERTIFICATE) ?? [];
  if (certificates.length === 0) throw unreadable(variable, "holds no certificate in PEM");
  for (const certificate of certificates) {
    try {
      new X509Certificate(certificate);
    } catch (error) {
      throw unreadable(variable, "holds a certificate that cannot be read", error);
    }
  }
  return pem;
}

function unreadable(variable: string, what: string, cause?: unknown): BridgeError {
  return new BridgeError(GrpcCode.invalidArgument, `${variable} ${what}`, { cause });
}
