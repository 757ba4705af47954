// A certificate authority and a certificate for 127.0.0.1, ::1 and localhost, made anew for each use: X.509 by hand, since Node
// can read certificates and not make them. Good for tests only.
import { createSign, generateKeyPairSync, type KeyObject, randomBytes } from "node:crypto";

export interface TestCertificate {
  /** PEM of the authority. */
  readonly authority: string;
  /** PEM of the certificate that it signed, and of its key. */
  readonly certificate: string;
  readonly key: string;
}

export function makeCertificate(): TestCertificate {
  const root = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const leaf = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const name = `test authority ${randomBytes(4).toString("hex")}`;
  return {
    authority: sign({ subject: name, key: root.publicKey, extensions: [AUTHORITY] }, name, root.privateKey),
    certificate: sign({ subject: "localhost", key: leaf.publicKey, extensions: [NAMES] }, name, root.privateKey),
    key: leaf.privateKey.export({ format: "pem", type: "pkcs8" }) as string,
  };
}

interface Subject {
  readonly subject: string;
  readonly key: KeyObject;
  readonly extensions: readonly Buffer[];
}

/** RFC 5280 §4.1. */
function sign({ subject, key, extensions }: Subject, issuer: string, issuerKey: KeyObject): string {
  const toBeSigned = sequence(
    der(0xa0, integer(Buffer.of(2))),
    integer(Buffer.concat([Buffer.of(1), randomBytes(8)])),
    ECDSA_WITH_SHA256,
    commonName(issuer),
    sequence(der(UTC_TIME, Buffer.from("200101000000Z")), der(UTC_TIME, Buffer.from("491231235959Z"))),
    commonName(subject),
    key.export({ format: "der", type: "spki" }),
    der(0xa3, sequence(...extensions)),
  );
  const signature = createSign("sha256").update(toBeSigned).sign(issuerKey);
  const whole = sequence(toBeSigned, ECDSA_WITH_SHA256, der(BIT_STRING, Buffer.concat([Buffer.of(0), signature])));
  const lines = whole.toString("base64").match(/.{1,64}/g) ?? [];
  return `-----BEGIN CERTIFICATE-----\n${lines.join("\n")}\n-----END CERTIFICATE-----\n`;
}

const BIT_STRING = 0x03;
const OCTET_STRING = 0x04;
const UTC_TIME = 0x17;
const OID_ECDSA_WITH_SHA256 = "06082a8648ce3d040302";
const OID_COMMON_NAME = "0603550403";
const OID_BASIC_CONSTRAINTS = "0603551d13";
const OID_SUBJECT_ALT_NAME = "0603551d11";
const DER_TRUE = "0101ff";

const ECDSA_WITH_SHA256 = sequence(hex(OID_ECDSA_WITH_SHA256));
const AUTHORITY = extension(OID_BASIC_CONSTRAINTS, sequence(hex(DER_TRUE)));
const IPV6_LOOPBACK = Buffer.from("1".padStart(32, "0"), "hex");
const NAMES = extension(
  OID_SUBJECT_ALT_NAME,
  sequence(der(0x82, Buffer.from("localhost")), der(0x87, Buffer.of(127, 0, 0, 1)), der(0x87, IPV6_LOOPBACK)),
);

function extension(oid: string, value: Buffer): Buffer {
  return sequence(hex(oid), hex(DER_TRUE), der(OCTET_STRING, value));
}

function commonName(name: string): Buffer {
  return sequence(der(0x31, sequence(hex(OID_COMMON_NAME), der(0x0c, Buffer.from(name)))));
}

function sequence(...parts: readonly Buffer[]): Buffer {
  return der(0x30, Buffer.concat(parts));
}

function integer(bytes: Buffer): Buffer {
  return der(0x02, bytes);
}

function hex(text: string): Buffer {
  return Buffer.from(text, "hex");
}

/** Tag, length, content. */
function der(tag: number, content: Buffer): Buffer {
  const { length } = content;
  if (length < 0x80) return Buffer.concat([Buffer.of(tag, length), content]);
  if (length < 0x100) return Buffer.concat([Buffer.of(tag, 0x81, length), content]);
  return Buffer.concat([Buffer.of(tag, 0x82, length >> 8, length & 0xff), content]);
}
