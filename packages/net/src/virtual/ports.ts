import { NetError } from '../errors.ts'

const FIRST_EPHEMERAL_PORT = 49_152

/** The port numbers of one protocol on one host, as a system gives them out. */
export class Ports {
  #nextEphemeral = FIRST_EPHEMERAL_PORT

  /** @throws NetError `ERR_NET_ARGUMENT` for what is no port, `ERR_NET_BIND` when none is free */
  choose(
    options: { port?: number; portRange?: readonly [min: number, max: number] },
    address: string,
    isFree: (port: number, isChosen: boolean) => boolean,
  ): number {
    const [min, max] = portBounds(options)
    if (min === 0) {
      for (let tries = FIRST_EPHEMERAL_PORT; tries <= 65_535; tries++) {
        const port = this.#nextEphemeral
        this.#nextEphemeral = port === 65_535 ? FIRST_EPHEMERAL_PORT : port + 1
        if (isFree(port, false)) return port
      }
    } else {
      for (let port = min; port <= max; port++) if (isFree(port, true)) return port
    }
    const wanted = min === max ? `port ${min}` : `port between ${min} and ${max}`
    throw new NetError('ERR_NET_BIND', `No free ${wanted} on ${address}`, { systemCode: 'EADDRINUSE' })
  }
}

/** [0, 0] for any port. @throws NetError `ERR_NET_ARGUMENT` */
export function portBounds(options: {
  port?: number
  portRange?: readonly [min: number, max: number]
}): readonly [number, number] {
  const bounds = options.port ? ([options.port, options.port] as const) : (options.portRange ?? ([0, 0] as const))
  const [min, max] = bounds
  if (!Number.isInteger(min) || !Number.isInteger(max) || min < 0 || max > 65_535 || min > max) {
    throw new NetError('ERR_NET_ARGUMENT', `Not a port or port range: ${min} to ${max}`)
  }
  return min === 0 && max > 0 ? [1, max] : bounds
}

export function isWildcard(address: string): boolean {
  return address === '0.0.0.0' || address === '::'
}
