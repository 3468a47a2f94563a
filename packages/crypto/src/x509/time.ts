import { Tag } from '../der/reader.ts'
import type { DerReader } from '../der/reader.ts'
import { element } from '../der/writer.ts'
import { CryptoError } from '../errors.ts'

const SECOND = 1000
const DAY = 86_400 * SECOND

/** Reads `Time`: UTCTime or GeneralizedTime, both with seconds and in UTC (RFC 5280 §4.1.2.5). Ms since the Unix epoch. */
export function readTime(reader: DerReader): number | undefined {
  const short = reader.tag === Tag.utcTime
  const content = reader.read(short ? Tag.utcTime : Tag.generalizedTime)
  const yearDigits = short ? 2 : 4
  if (content === undefined || content.length !== yearDigits + 11 || content[content.length - 1] !== 0x5a) {
    return undefined
  }
  const numbers: number[] = []
  for (let at = yearDigits; at < content.length - 1; at += 2) numbers.push(digits(content, at, 2))
  let year = digits(content, 0, yearDigits)
  if (short) year += year < 50 ? 2000 : 1900 // RFC 5280 §4.1.2.5.1
  const [month, day, hour, minute, second] = numbers as [number, number, number, number, number]
  if (!(year >= 0 && month >= 1 && month <= 12 && day >= 1 && day <= daysIn(year, month))) return undefined
  if (!(hour < 24 && minute < 60 && second < 60)) return undefined // NaN, from a character that is no digit, fails too
  return daysSinceEpoch(year, month, day) * DAY + ((hour * 60 + minute) * 60 + second) * SECOND
}

/** Writes `Time`: UTCTime up to 2049, GeneralizedTime from 2050 on (RFC 5280 §4.1.2.5). */
export function writeTime(time: number): Uint8Array {
  const date = new Date(Math.floor(time / SECOND) * SECOND)
  const year = date.getUTCFullYear()
  if (!(year >= 1950 && year <= 9999)) {
    throw new CryptoError('ERR_CRYPTO_ARGUMENT', 'a certificate is valid between the years 1950 and 9999')
  }
  const parts = [
    date.getUTCMonth() + 1,
    date.getUTCDate(),
    date.getUTCHours(),
    date.getUTCMinutes(),
    date.getUTCSeconds(),
  ]
  const short = year < 2050
  let text = short ? String(year % 100).padStart(2, '0') : String(year)
  for (const part of parts) text += String(part).padStart(2, '0')
  return element(short ? Tag.utcTime : Tag.generalizedTime, new TextEncoder().encode(text + 'Z'))
}

/** NaN when one of them is no digit. */
function digits(bytes: Uint8Array, at: number, count: number): number {
  let value = 0
  for (let i = 0; i < count; i++) {
    const digit = bytes[at + i]! - 0x30
    if (digit < 0 || digit > 9) return NaN
    value = value * 10 + digit
  }
  return value
}

function daysIn(year: number, month: number): number {
  if (month !== 2) return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31
  return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : 28
}

/** Days from 1970-01-01 in the Gregorian calendar, counted in years that begin in March so that leap days come last. */
function daysSinceEpoch(year: number, month: number, day: number): number {
  const y = month > 2 ? year : year - 1
  const dayOfYear = Math.floor((153 * ((month + 9) % 12) + 2) / 5) + day - 1
  return 365 * y + Math.floor(y / 4) - Math.floor(y / 100) + Math.floor(y / 400) + dayOfYear - 719_468
}
