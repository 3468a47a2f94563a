import { readFile } from 'node:fs/promises'
import type { Network } from '@kaon/net'
import { formatTransportAddress } from '@kaon/stun'
import { TurnClient } from '../driver/client.ts'
import type { RelaySocket } from '../driver/relay-socket.ts'
import type { CheckCommand } from './options.ts'
import type { Surroundings } from './main.ts'

/** Makes two allocations and sends a datagram from one to the other and back. */
export async function check(command: CheckCommand, io: Surroundings, network: Network): Promise<number> {
  const { server, username, password, insecure, caFile, timeout, json } = command
  const authorities = caFile === undefined ? undefined : [await readFile(caFile, 'utf8')]
  const client = new TurnClient({
    network,
    server,
    username,
    password,
    timeout,
    tls: { insecure, ...(authorities && { authorities }) },
  })
  const options = io.signal === undefined ? {} : { signal: io.signal }
  const began = network.now()
  const near = await client.allocate(options)
  const allocated = network.now() - began
  try {
    const far = await client.allocate(options)
    const roundTrip = await bounce(network, near, far, timeout).finally(() => far.close())
    const result = {
      server: near.server,
      mappedAddress: near.mapped,
      relayedAddress: near.local,
      allocationTime: round(allocated),
      roundTripTime: roundTrip === undefined ? null : round(roundTrip),
    }
    if (json) io.stdout(JSON.stringify(result) + '\n')
    else {
      const rows = [
        ['server', `${near.transport} ${formatTransportAddress(near.server)}`],
        ['mapped address', formatTransportAddress(near.mapped)],
        ['relayed address', formatTransportAddress(near.local)],
        ['allocated in', `${round(allocated)} ms`],
        ['relay to relay', roundTrip === undefined ? 'nothing came through' : `${round(roundTrip)} ms and back`],
      ]
      io.stdout(rows.map(([name, value]) => `${`${name}:`.padEnd(17)}${value}\n`).join(''))
    }
    return roundTrip === undefined ? 1 : 0
  } finally {
    near.close()
  }
}

/** ms until a datagram is back; undefined when it does not come. */
function bounce(network: Network, near: RelaySocket, far: RelaySocket, timeout: number): Promise<number | undefined> {
  const until = network.now() + timeout
  return new Promise((resolve) => {
    let sentAt = 0
    let timer = network.setTimer(until, () => {})
    const finish = (result: number | undefined): void => {
      timer.cancel()
      resolve(result)
    }
    // The first ones wait for permissions, and any may be lost.
    const send = (): void => {
      timer.cancel()
      if (network.now() >= until) {
        finish(undefined)
        return
      }
      sentAt = network.now()
      near.send(Uint8Array.of(1), far.local)
      timer = network.setTimer(Math.min(until, network.now() + 500), send)
    }
    let heard = 0
    near.onmessage = () => {
      // The second answer came over channels on both sides, as a call's would.
      if (++heard === 2) finish(network.now() - sentAt)
      else send()
    }
    near.onerror = () => finish(undefined)
    far.onmessage = (data, from) => far.send(data, from)
    far.permit(near.local.address)
    send()
  })
}

function round(value: number): number {
  return Math.round(value * 100) / 100
}
