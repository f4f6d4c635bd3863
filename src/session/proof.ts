/**
 * Proof that both ends know the secret of a session: an HMAC-SHA-256 over the bytes of the handshake (RFC 2104). The
 * hash and the comparison are arguments, because the core does no cryptography of its own.
 */

/** What the core needs from a cryptographic library. */
export interface Secrets {
  /** HMAC-SHA-256 of the parts one after another, 32 bytes. */
  sign(secret: Uint8Array, ...parts: readonly Uint8Array[]): Uint8Array;
  /** Compares in constant time; false for unequal lengths. */
  equal(left: Uint8Array, right: Uint8Array): boolean;
}

/** Whether `mac` proves knowledge of `secret` over these parts. */
export function isProven(
  secrets: Secrets,
  secret: Uint8Array,
  mac: Uint8Array | undefined,
  ...parts: readonly Uint8Array[]
): boolean {
  return mac !== undefined && secrets.equal(secrets.sign(secret, ...parts), mac);
}
