import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { inferMapping, type MappingObservation } from '../src/nat-mapping.ts'

const at = (address: string, port: number) => ({ address, port, family: 4 }) as const
/** `A1 7`: the server at address A, port 1, saw port 7. */
const saw = (...lines: string[]): MappingObservation[] =>
  lines.map((line) => {
    const [server, mapped] = line.split(' ')
    return { server: at(server![0]!, Number(server![1])), mapped: at('outside', Number(mapped)) }
  })

describe('inferMapping', () => {
  it.each([
    [[], 'unknown'],
    [['A1 7'], 'unknown'],
    [['A1 7', 'A2 7'], 'unknown'],
    [['A1 7', 'B1 7'], 'endpoint-independent'],
    [['A1 7', 'B1 8'], 'endpoint-dependent'],
    [['A1 7', 'B1 8', 'B2 8'], 'address-dependent'],
    [['A1 7', 'B1 8', 'B2 9'], 'address-and-port-dependent'],
    [['A1 7', 'A2 8'], 'address-and-port-dependent'],
    [['A1 7', 'A1 7', 'B1 7'], 'endpoint-independent'],
  ])('concludes from %j that it is %s', (lines, mapping) => {
    expect(inferMapping(saw(...lines))).toEqual({ mapping, isContradictory: false })
    expect(inferMapping(saw(...lines.toReversed()))).toEqual({ mapping, isContradictory: false })
  })

  it('trusts nobody who contradicts himself', () => {
    expect(inferMapping(saw('A1 7', 'B1 8', 'A1 8'))).toEqual({ mapping: 'unknown', isContradictory: true })
  })

  it('finds out what a NAT does, whoever is asked', () => {
    const keys = {
      'endpoint-independent': () => '',
      'address-dependent': ({ address }: { address: string }) => address,
      'address-and-port-dependent': ({ address, port }: { address: string; port: number }) => `${address} ${port}`,
    }
    const servers = fc.array(
      fc.tuple(fc.constantFrom('A', 'B', 'C'), fc.constantFrom(1, 2)).map(([address, port]) => at(address, port)),
      { maxLength: 6 },
    )
    fc.assert(
      fc.property(fc.constantFrom(...(Object.keys(keys) as (keyof typeof keys)[])), servers, (kind, asked) => {
        const ports = new Map<string, number>()
        const observations = asked.map((server) => {
          const key = keys[kind](server)
          if (!ports.has(key)) ports.set(key, 1000 + ports.size)
          return { server, mapped: at('outside', ports.get(key)!) }
        })
        const { mapping, isContradictory } = inferMapping(observations)
        expect(isContradictory).toBe(false)
        // Less than the truth when too few were asked, never something else.
        const vague = ['unknown', ...(kind === 'endpoint-independent' ? [] : ['endpoint-dependent'])]
        // Who is asked at one port of each address cannot tell port-dependence from address-dependence, and says so.
        expect([kind, ...vague]).toContain(mapping)
      }),
    )
  })
})
