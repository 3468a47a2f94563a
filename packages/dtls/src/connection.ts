import { DtlsError } from './error.ts'
import type { Fingerprint } from './fingerprint.ts'
import type { DtlsEvent, DtlsOptions, DtlsSelected, DtlsState, DtlsStats } from './options.ts'

/** A DTLS connection as a machine without I/O. (Signatures only: the machine follows.) */
export class DtlsConnection {
  readonly state: DtlsState = 'new'
  readonly deadline: number = Infinity
  readonly remoteCertificates: readonly Uint8Array[] = []
  readonly selected: DtlsSelected | undefined
  readonly stats!: DtlsStats
  constructor(_options: DtlsOptions) {}
  start(_now: number): void {}
  receive(_datagram: Uint8Array, _now: number): void {}
  tick(_now: number): void {}
  pollTransmit(_now: number): Uint8Array | undefined {
    return undefined
  }
  pollEvent(): DtlsEvent | undefined {
    return undefined
  }
  send(_data: Uint8Array): void {
    throw new DtlsError('ERR_DTLS_STATE', 'not connected')
  }
  close(): void {}
  setRemoteFingerprints(_list: readonly Fingerprint[]): void {}
  exportKeyingMaterial(_label: string, _length: number, _context?: Uint8Array): Uint8Array {
    throw new DtlsError('ERR_DTLS_STATE', 'not connected')
  }
}
