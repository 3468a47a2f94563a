// A WebAssembly assembler of just the size that the kernels of this folder need. Code is written as nested calls, operands first:
// `i64.add(h0, i64.load(at, 8))`. A kernel is a JavaScript program that prints one function, so unrolling is a `for` loop.
// Encoding: WebAssembly Core Specification 2.0, chapter 5.

const MAGIC_AND_VERSION = [0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0]
const TYPES = { i32: 0x7f, i64: 0x7e, v128: 0x7b }

function unsigned(value) {
  const out = []
  do {
    out.push((value & 0x7f) | (value > 0x7f ? 0x80 : 0))
    value >>>= 7
  } while (value > 0)
  return out
}

function signed(value) {
  let rest = BigInt(value)
  const out = []
  for (;;) {
    const low = Number(rest & 0x7fn)
    rest >>= 7n
    if ((rest === 0n && (low & 0x40) === 0) || (rest === -1n && (low & 0x40) !== 0)) return [...out, low]
    out.push(low | 0x80)
  }
}

function vector(items) {
  return [...unsigned(items.length), ...items.flat()]
}

function section(id, items) {
  const content = vector(items)
  return [id, ...unsigned(content.length), ...content]
}

/** An operand: a local, or code that leaves a value. */
function code(operand) {
  return Array.isArray(operand) ? operand : [0x20, ...unsigned(operand.index)]
}

function operation(...bytes) {
  return (...operands) => [...operands.flatMap(code), ...bytes]
}

/** Loads and stores take the address, (the value,) and a constant offset. All of them may be unaligned. */
function load(...bytes) {
  return (address, offset = 0) => [...code(address), ...bytes, 0, ...unsigned(offset)]
}

function store(...bytes) {
  return (address, value, offset = 0) => [...code(address), ...code(value), ...bytes, 0, ...unsigned(offset)]
}

/** SIMD operations have a prefix and a number that may take two bytes. */
function simd(number) {
  return [0xfd, ...unsigned(number)]
}

export const i32 = {
  const: (value) => [0x41, ...signed(value)],
  load: load(0x28),
  load8: load(0x2d),
  store: store(0x36),
  store8: store(0x3a),
  eqz: operation(0x45),
  ne: operation(0x47),
  ltU: operation(0x49),
  leU: operation(0x4d),
  geU: operation(0x4f),
  add: operation(0x6a),
  sub: operation(0x6b),
  and: operation(0x71),
  or: operation(0x72),
  xor: operation(0x73),
  shl: operation(0x74),
  shrU: operation(0x76),
  rotl: operation(0x77),
  wrap: operation(0xa7),
}

export const i64 = {
  const: (value) => [0x42, ...signed(value)],
  load: load(0x29),
  load32: load(0x35),
  store: store(0x37),
  eqz: operation(0x50),
  add: operation(0x7c),
  sub: operation(0x7d),
  mul: operation(0x7e),
  and: operation(0x83),
  or: operation(0x84),
  xor: operation(0x85),
  shl: operation(0x86),
  shrU: operation(0x88),
  extend: operation(0xad),
}

export const v128 = {
  const: (bytes) => [...simd(12), ...bytes],
  load: load(...simd(0)),
  load32Splat: load(...simd(9)),
  store: store(...simd(11)),
  shuffle: (a, b, lanes) => [...code(a), ...code(b), ...simd(13), ...lanes],
  swizzle: operation(...simd(14)),
  splat32: operation(...simd(17)),
  lane64: (value, lane) => [...code(value), ...simd(29), lane],
  and: operation(...simd(78)),
  or: operation(...simd(80)),
  xor: operation(...simd(81)),
  shl32: operation(...simd(171)),
  shrU32: operation(...simd(173)),
  add32: operation(...simd(174)),
}

export const set = (local, value) => [...code(value), 0x21, ...unsigned(local.index)]
/** Sets a local and leaves the value. */
export const tee = (local, value) => [...code(value), 0x22, ...unsigned(local.index)]
/** `do { body } while (condition)` */
export const doWhile = (body, condition) => [0x03, 0x40, ...body, ...code(condition), 0x0d, 0, 0x0b]
export const when = (condition, body, otherwise = []) => [
  ...code(condition),
  0x04,
  0x40,
  ...body,
  ...(otherwise.length > 0 ? [0x05, ...otherwise] : []),
  0x0b,
]
/** `while (condition) { body }` */
export const loopWhile = (condition, body) => when(condition, doWhile(body, condition))
export const select = (condition, yes, no) => [...code(yes), ...code(no), ...code(condition), 0x1b]

/** Calls a function by its place in the list that `assemble` gets. */
export const call = (index, ...operands) => [...operands.flatMap(code), 0x10, ...unsigned(index)]

/** A function under construction: `build` is given its parameters and `local(type)`, and returns the code. */
export function func(name, parameters, results, build) {
  const locals = []
  const local = (type) => {
    locals.push(type)
    return { index: parameters.length + locals.length - 1 }
  }
  const body = build({ parameters: parameters.map((_, index) => ({ index })), local })
  return { name, parameters, results, locals, body }
}

/** The bytes of a module with these functions and one memory. The memory and the functions with a name are exported. */
export function assemble(functions, { pages, maximumPages }) {
  const types = functions.map((f) => [
    0x60,
    ...vector(f.parameters.map((type) => [TYPES[type]])),
    ...vector(f.results.map((type) => [TYPES[type]])),
  ])
  const name = (text) => vector([...text].map((character) => [character.charCodeAt(0)]))
  const bodies = functions.map((f) => {
    const content = [...vector(f.locals.map((type) => [1, TYPES[type]])), ...f.body, 0x0b]
    return [...unsigned(content.length), ...content]
  })
  return Uint8Array.from([
    ...MAGIC_AND_VERSION,
    ...section(1, types),
    ...section(
      3,
      functions.map((_, index) => unsigned(index)),
    ),
    ...section(5, [[1, ...unsigned(pages), ...unsigned(maximumPages)]]),
    ...section(7, [
      [...name('memory'), 2, 0],
      ...functions.flatMap((f, index) => (f.name === '' ? [] : [[...name(f.name), 0, ...unsigned(index)]])),
    ]),
    ...section(10, bodies),
  ])
}
