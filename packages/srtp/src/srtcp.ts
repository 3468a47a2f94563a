// The trailer of an SRTCP packet. RFC 3711 §3.4: | … ciphertext | E, index | tag |; with an AEAD, RFC 7714 §9: | … ciphertext | tag | E, index |.

/** What stays in the clear of an RTCP compound packet: the first header and its SSRC (RFC 3711 §3.4). */
export const RTCP_CLEAR = 8
/** The E bit and the index. */
export const TRAILER = 4
/** First byte of the trailer: the packet is encrypted. */
export const ENCRYPTED_BIT = 0x80
/** First index that does not fit. */
export const RTCP_INDEX_LIMIT: number = 2 ** 31

/** Associated data of an AEAD: the clear header, then the trailer (RFC 7714 §9.2). Fills `aad`, 12 bytes. */
export function setRtcpAad(aad: Uint8Array, packet: Uint8Array, start: number, trailerAt: number): void {
  for (let i = 0; i < RTCP_CLEAR; i++) aad[i] = packet[start + i]!
  for (let i = 0; i < TRAILER; i++) aad[RTCP_CLEAR + i] = packet[trailerAt + i]!
}
