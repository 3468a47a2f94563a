import { Reader, Writer } from '../bytes.ts'

/** DER certificates, the sender's own first; none at all is allowed for clients (RFC 5246 §7.4.2, §7.4.6). */
export function decodeCertificate(body: Uint8Array): Uint8Array[] | undefined {
  const reader = new Reader(body)
  const list = new Reader(reader.vector24())
  if (!reader.complete) return undefined
  const chain: Uint8Array[] = []
  while (list.remaining > 0) {
    const der = list.vector24()
    if (list.overrun || der.length === 0) return undefined
    chain.push(der)
  }
  return chain
}

export function encodeCertificate(chain: readonly Uint8Array[]): Uint8Array {
  const list = new Writer()
  for (const der of chain) list.vector24(der)
  return new Writer().vector24(list.finish()).finish()
}
