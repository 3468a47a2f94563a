/** How the value of one header extension is written (RFC 8285 leaves that to each). */
export interface HeaderExtensionCodec<Value> {
  /** The name under which `a=extmap` gives it an id. */
  readonly uri: string
  /** Undefined when malformed. */
  read(data: Uint8Array): Value | undefined
  /**
   * The bytes of the value: into `out` when it is given, which then has the right length already and is returned. So a sender
   * that writes the same extension on each packet allocates it once.
   */
  write(value: Value, out?: Uint8Array): Uint8Array
}
