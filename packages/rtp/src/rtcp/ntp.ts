// NTP timestamps (RFC 3550 §4): 64 bits, seconds since 1900 in the upper half and a fraction of 2^32 in the lower.

/** Seconds from 1900 to 1970. */
const UNIX_EPOCH = 2_208_988_800

/** Of a wall clock in ms since 1970, fractions welcome. The seconds wrap in 2036, as NTP has it. */
export function ntpTimestamp(wallClockMs: number): bigint {
  const whole = Math.floor(wallClockMs / 1000)
  const fraction = Math.min(Math.floor((wallClockMs / 1000 - whole) * 0x1_0000_0000), 0xffff_ffff)
  return (BigInt.asUintN(32, BigInt(whole + UNIX_EPOCH)) << 32n) | BigInt(fraction)
}

/** The wall clock in ms since 1970: of the era that began in 1900, or after 2036 when the highest bit is clear (RFC 4330 §3). */
export function ntpToWallClock(ntp: bigint): number {
  const seconds = Number(BigInt.asUintN(32, ntp >> 32n))
  const era = seconds < 0x8000_0000 ? 0x1_0000_0000 : 0
  return (seconds + era - UNIX_EPOCH) * 1000 + (Number(ntp & 0xffff_ffffn) * 1000) / 0x1_0000_0000
}

/** The middle 32 bits, in 1/65536 s: what reports echo (RFC 3550 §6.4.1). */
export function compactNtp(ntp: bigint): number {
  return Number((ntp >> 16n) & 0xffff_ffffn)
}
