/** The few Web IDL conversions that the interfaces need (https://webidl.spec.whatwg.org/#js-type-mapping). */

/** `[EnforceRange]` of an unsigned integer type. Throws `TypeError`. */
export function enforceRange(value: unknown, maximum: number, what: string): number {
  const number = toNumber(value)
  const integer = Math.trunc(number)
  if (!Number.isFinite(number) || integer < 0 || integer > maximum) {
    throw new TypeError(`${what} is outside the range 0 to ${maximum}`)
  }
  return integer + 0
}

/** A plain `unsigned short`: wraps instead of throwing. */
export function toUnsignedShort(value: unknown): number {
  return toNumber(value) & 0xffff
}

/** A plain `long`. */
export function toLong(value: unknown): number {
  return toNumber(value) | 0
}

/** A plain `unsigned long`. */
export function toUnsignedLong(value: unknown): number {
  return toNumber(value) >>> 0
}

/** ECMAScript's ToNumber: what is a BigInt or a Symbol throws `TypeError`. */
function toNumber(value: unknown): number {
  return +(value as number)
}

const LONE_SURROGATE = /[\uD800-\uDBFF](?![\uDC00-\uDFFF])|(?<![\uD800-\uDBFF])[\uDC00-\uDFFF]/g

/** A `USVString`: lone surrogates become U+FFFD. */
export function toUSVString(value: unknown): string {
  const text = toDOMString(value)
  return text.replace(LONE_SURROGATE, '\uFFFD')
}

export function toDOMString(value: unknown): string {
  if (typeof value === 'symbol') throw new TypeError('Cannot convert a Symbol to a string')
  return String(value)
}

/** A dictionary: `undefined` and `null` are the empty one, what is no object throws `TypeError`. */
export function toDictionary<T extends object>(value: T | null | undefined, what: string): Partial<T> {
  if (value === undefined || value === null) return {}
  if (typeof value !== 'object' && typeof value !== 'function') throw new TypeError(`${what} is not an object`)
  return value
}

/** An enumeration's value, or `fallback` when absent. Throws `TypeError`. */
export function toEnum<T extends string>(value: unknown, allowed: readonly T[], fallback: T, what: string): T {
  if (value === undefined) return fallback
  const text = toDOMString(value) as T
  if (!allowed.includes(text)) throw new TypeError(`'${text}' is not a valid value of ${what}`)
  return text
}

/** A `sequence<T>`: any iterable object. Throws `TypeError`. */
export function toSequence<T>(value: unknown, what: string): T[] {
  if (typeof value !== 'object' || value === null || !(Symbol.iterator in value)) {
    throw new TypeError(`${what} is not a sequence`)
  }
  return [...(value as Iterable<T>)]
}

/** A value of an interface type. Throws `TypeError`. */
export function toInterface<T>(value: unknown, type: { readonly prototype: T; readonly name: string }): T {
  if (!(value instanceof (type as unknown as new () => object))) throw new TypeError(`Expected an ${type.name}`)
  return value as T
}

/** A callback function. Throws `TypeError`. */
export function toCallback<T>(value: T, what: string): T {
  if (typeof value !== 'function') throw new TypeError(`${what} is not a function`)
  return value
}

/** The constructor of an interface that scripts cannot construct gets this, and nobody else has it. */
export const INTERNAL: unique symbol = Symbol('internal')

export function assertInternal(token: unknown): void {
  if (token !== INTERNAL) throw new TypeError('Illegal constructor')
}
