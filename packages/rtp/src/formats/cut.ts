/**
 * Cuts a frame into payloads of about the same size, each behind a header: `first` before the first piece, `header` before the
 * others. All payloads are views of one buffer. Equal sizes, because a lost packet then costs forward error correction no more
 * than it must.
 */
export function cutFrame(
  frame: Uint8Array,
  maxSize: number,
  first: Uint8Array,
  header: Uint8Array,
): Uint8Array<ArrayBuffer>[] {
  const count = pieces(frame.length, maxSize - first.length, maxSize - header.length)
  const total = frame.length + first.length + (count - 1) * header.length
  const slab = new Uint8Array(total)
  const payloads = new Array<Uint8Array<ArrayBuffer>>(count)
  const size = Math.floor(total / count)
  const larger = total - size * count // so many payloads have one byte more
  let read = 0
  let write = 0
  for (let index = 0; index < count; index++) {
    const head = index === 0 ? first : header
    const end = write + size + (index < larger ? 1 : 0)
    const length = end - write - head.length
    slab.set(head, write)
    slab.set(frame.subarray(read, read + length), write + head.length)
    payloads[index] = slab.subarray(write, end)
    read += length
    write = end
  }
  return payloads
}

function pieces(length: number, firstRoom: number, room: number): number {
  return length <= firstRoom ? 1 : 1 + Math.ceil((length - firstRoom) / room)
}

/** Puts pieces one behind the other. */
export function concatenate(pieces: readonly Uint8Array[], total: number): Uint8Array {
  const out = new Uint8Array(total)
  let offset = 0
  for (const piece of pieces) {
    out.set(piece, offset)
    offset += piece.length
  }
  return out
}
