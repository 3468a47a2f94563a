import { afterEach, describe, expect, it } from 'vitest'
import { createKernelLab, createVirtualLab } from '../../../tools/netlab/lab.ts'
import type { Lab, LabOptions } from '../../../tools/netlab/lab.ts'
import { ACCESSES } from '../../../tools/netlab/ruleset.mjs'
import type { Access } from '../../../tools/netlab/ruleset.mjs'

// What the virtual network claims about NATs, checked against those of the Linux kernel: the same experiment on both.

const open: Lab[] = []

afterEach(() => {
  for (const lab of open.splice(0)) lab.remove()
})

/** The outcome of an experiment on the kernel and on the virtual network. */
async function onBoth<T>(
  options: LabOptions,
  experiment: (lab: Lab) => Promise<T>,
): Promise<{ kernel: T; virtual: T }> {
  const labs = [createKernelLab(`kaon-netlab-${process.pid}`, options), createVirtualLab(options)] as const
  open.push(...labs)
  const [kernel, virtual] = await Promise.all(labs.map(experiment))
  return { kernel: kernel!, virtual: virtual! }
}

/** Ports that are drawn at random differ from run to run: all that is compared is whether the port was kept. */
function describeEndpoint(lab: Lab, from: string | undefined, hasOwnPorts: boolean): string {
  if (from === undefined) return 'nothing'
  const [address, port] = from.split(' ')
  const who = address === lab.homes[0]!.outside ? 'outside' : address
  if (hasOwnPorts) return `${who}`
  return `${who}, port ${port === '5000' ? 'kept' : 'changed'}`
}

/** Mapping, filtering (as RFC 5780 §4.3 and §4.4 find them out) and TCP of the left home. */
async function observe(lab: Lab, access: Access): Promise<object> {
  // The carrier of the virtual network draws ports, as carriers do; Linux can do so only for every connection anew.
  const hasOwnPorts = access === 'cgnat'
  const { host, outside } = lab.homes[0]!
  const [near, far] = lab.addresses
  const remotes = [await lab.public.udp(1001, near), await lab.public.udp(1002, near), await lab.public.udp(1001, far)]
  const inside = await host.udp(5000)
  // Before anything went out.
  await remotes[0]!.send(`${outside} 5000`, 'unsolicited')
  await lab.settle()
  const unsolicited = inside.heard.length > 0
  await inside.send(`${near} 1001`, 'first')
  await lab.settle()
  const first = remotes[0]!.heard[0]?.split(' ').slice(0, 2).join(' ')
  if (first !== undefined) for (const [i, remote] of remotes.entries()) await remote.send(first, `answer${i}`)
  await lab.settle()
  const lets = inside.heard.map((line) => line.split(' ')[2]).toSorted()
  await inside.send(`${near} 1002`, 'second')
  await inside.send(`${far} 1001`, 'third')
  await lab.settle()
  const mappings = new Set(remotes.flatMap(({ heard }) => heard.map((line) => line.split(' ').slice(0, 2).join(' '))))
  const tcp: string[] = []
  const seen = new Set<string>()
  for (const port of [443, 3478]) {
    await lab.public.serve(port)
    const result = await lab.wait(host.connect(`${near} ${port}`, 5000))
    const isEndpoint = result.includes('.')
    if (isEndpoint) seen.add(result)
    tcp.push(isEndpoint ? describeEndpoint(lab, result, hasOwnPorts) : result)
  }
  return {
    unsolicited,
    mapped: describeEndpoint(lab, first, hasOwnPorts),
    lets,
    mappings: mappings.size,
    tcp,
    tcpMappings: seen.size,
  }
}

describe('the kernel and the virtual network agree', () => {
  it.each(ACCESSES)('on %s', async (access) => {
    const { kernel, virtual } = await onBoth({ accesses: [access] }, (lab) => observe(lab, access))
    expect(virtual).toEqual(kernel)
  })

  it.each([
    ['full-cone', true],
    ['full-cone', false],
    ['port-restricted', false],
    ['symmetric-random', false],
  ] as const)('on hairpinning (RFC 4787 §6): %s, %s', async (access, hairpin) => {
    const experiment = async (lab: Lab): Promise<string[][]> => {
      const { host, neighbour } = lab.homes[0]!
      const server = await lab.public.udp(1001)
      const sockets = [await host.udp(5000), await neighbour.udp(6000)]
      for (const socket of sockets) await socket.send(`${lab.addresses[0]} 1001`, 'hello')
      await lab.settle()
      const outside = server.heard.map((line) => line.split(' ').slice(0, 2).join(' '))
      for (let round = 0; round < 2; round++) {
        await sockets[0]!.send(outside[1]!, 'to the neighbour')
        await sockets[1]!.send(outside[0]!, 'from the neighbour')
        await lab.settle()
      }
      // Inside, they need no router.
      await sockets[0]!.send(`${neighbour.address} 6000`, 'directly')
      await lab.settle()
      return sockets.map(({ heard }) => heard.map((line) => line.replace(lab.homes[0]!.outside, 'outside')))
    }
    const { kernel, virtual } = await onBoth({ accesses: [access], hairpin }, experiment)
    expect(virtual).toEqual(kernel)
    expect(kernel[1]!.length).toBe(hairpin ? 3 : 1)
  })

  const types: Access[] = ['full-cone', 'address-restricted', 'port-restricted', 'symmetric-random', 'cgnat']
  const pairs = types.flatMap((left, i) => types.slice(i).map((right) => [left, right] as const))

  it.each(pairs)('on punching holes between %s and %s', async (...accesses) => {
    const experiment = async (lab: Lab): Promise<boolean[]> => {
      const server = await lab.public.udp(1001)
      const sockets = [await lab.homes[0]!.host.udp(5000), await lab.homes[1]!.host.udp(5000)]
      const outside: string[] = []
      for (const [i, socket] of sockets.entries()) {
        await socket.send(`${lab.addresses[0]} 1001`, 'hello')
        await lab.settle()
        outside.push(server.heard[i]!.split(' ').slice(0, 2).join(' '))
      }
      // As ICE does: to the address that is known, and back to where something came from.
      for (let round = 0; round < 3; round++) {
        for (const [i, socket] of sockets.entries()) {
          const known = new Set([outside[1 - i]!, ...socket.heard.map((line) => line.split(' ').slice(0, 2).join(' '))])
          for (const to of known) await socket.send(to, `round ${round}`)
        }
        await lab.settle()
      }
      return sockets.map(({ heard }) => heard.some((line) => line.endsWith('round 2')))
    }
    const { kernel, virtual } = await onBoth({ accesses }, experiment)
    expect(virtual).toEqual(kernel)
  })

  it('on what TCP says of a port where nobody listens, and of an address that nobody has', async () => {
    const experiment = async (lab: Lab): Promise<string[]> => {
      const { host } = lab.homes[0]!
      return lab.wait(Promise.all([host.connect(`${lab.addresses[0]} 9`, 5000), host.connect('203.0.113.99 9', 5001)]))
    }
    const { kernel, virtual } = await onBoth({ accesses: ['port-restricted'] }, experiment)
    expect(virtual).toEqual(kernel)
    expect(kernel).toEqual(['ECONNREFUSED', 'EHOSTUNREACH'])
  })

  it.each([
    ['port-restricted', 'port-restricted', 'connected'],
    ['port-restricted', 'symmetric-random', 'no answer'],
  ] as const)('on TCP hole punching between %s and %s: %s', async (left, right, outcome) => {
    const experiment = (lab: Lab): Promise<string[]> => {
      const [one, other] = lab.homes
      // Nobody says anything on such a connection.
      return lab.wait(
        Promise.all([
          one!.host.connect(`${other!.outside} 5000`, 5000),
          other!.host.connect(`${one!.outside} 5000`, 5000),
        ]),
      )
    }
    const { kernel, virtual } = await onBoth({ accesses: [left, right] }, experiment)
    expect(virtual).toEqual(kernel)
    expect(kernel).toEqual([outcome, outcome])
  })
})
