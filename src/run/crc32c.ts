/**
 * CRC-32C (Castagnoli), the checksum of TFRecord files and of our checkpoints.
 *
 * @module
 */

/** Remainders of all bytes for the reflected polynomial 0x82f63b78. */
const TABLE: Uint32Array = buildTable();

function buildTable(): Uint32Array {
  const table = new Uint32Array(256);
  for (let byte = 0; byte < 256; byte++) {
    let value = byte;
    for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0x82f63b78 : value >>> 1;
    table[byte] = value >>> 0;
  }
  return table;
}

/**
 * Computes the CRC-32C of some bytes (RFC 3720, appendix B.4).
 *
 * @param bytes The bytes.
 * @param previous CRC of the bytes before these, to compute it piece by piece.
 * @returns An unsigned 32-bit integer.
 */
export function crc32c(bytes: Uint8Array, previous = 0): number {
  let crc = ~previous;
  for (let i = 0; i < bytes.length; i++) crc = TABLE[(crc ^ bytes[i]!) & 0xff]! ^ (crc >>> 8);
  return ~crc >>> 0;
}

/**
 * Masks a CRC as TFRecord files want it: rotated right by 15 bits plus a constant.
 *
 * @param crc An unsigned 32-bit integer.
 * @returns An unsigned 32-bit integer.
 */
export function maskCrc(crc: number): number {
  return (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0;
}
