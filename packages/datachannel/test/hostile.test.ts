import fc from 'fast-check'
import { expect, test } from 'vitest'
import { DataChannelError, encodeOpen, PPID, type Channel } from '../src/index.ts'
import { Side } from './fake-association.ts'

const id = fc.integer({ min: 0, max: 7 })
const open = fc
  .record({
    ordered: fc.boolean(),
    label: fc.string({ maxLength: 20 }),
    limit: fc.option(fc.nat(5), { nil: undefined }),
  })
  .map(({ ordered, label, limit }) =>
    encodeOpen({ ordered, label, protocol: '', priority: 0, maxRetransmits: limit, maxPacketLifeTime: undefined }),
  )
const ppid = fc.oneof(fc.constantFrom(...Object.values(PPID)), fc.constantFrom(0, 55, 0xffffffff))
const step = fc.oneof(
  { weight: 4, arbitrary: fc.record({ deliver: id, ppid, data: fc.uint8Array({ minLength: 1, maxLength: 30 }) }) },
  { weight: 3, arbitrary: fc.record({ deliver: id, ppid: fc.constant(PPID.DCEP), data: open }) },
  { weight: 2, arbitrary: fc.record({ reset: fc.array(id, { minLength: 1, maxLength: 3 }), all: fc.constant(false) }) },
  { weight: 1, arbitrary: fc.record({ reset: fc.constant([]), all: fc.constant(true) }) },
  { weight: 1, arbitrary: fc.record({ answered: id, ok: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ discarded: id }) },
  { weight: 1, arbitrary: fc.constant({ restarted: true }) },
  { weight: 2, arbitrary: fc.record({ negotiate: id, ordered: fc.boolean() }) },
  { weight: 2, arbitrary: fc.constant({ create: true }) },
  { weight: 2, arbitrary: fc.record({ close: fc.nat() }) },
  { weight: 2, arbitrary: fc.record({ send: fc.nat(), text: fc.string({ maxLength: 5 }) }) },
  { weight: 3, arbitrary: fc.record({ transmit: fc.nat(60) }) },
)

test('whatever the peer does, nothing throws, limits hold, and every channel has a proper life', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 120 }), (steps) => {
      const side = new Side({
        role: 'client',
        maxIncomingChannels: 3,
        maxHeldBytes: 500,
        maxPartialBytes: 300,
      }).connect()
      const { association, manager } = side
      const lives = new Map<Channel, 'made' | 'open' | 'closing' | 'closed'>()
      const poll = (): void => {
        // One by one: a channel's state is that of the event just taken.
        for (let event; (event = manager.pollEvent(0)) !== undefined;) {
          if (!('channel' in event)) continue
          const { channel } = event
          const life = lives.get(channel)
          switch (event.type) {
            case 'channel':
              expect(life).toBeUndefined()
              expect(channel.state).toBe('open')
              lives.set(channel, 'open')
              break
            case 'open':
              expect(life).toBe('made')
              lives.set(channel, 'open')
              break
            case 'closing':
              expect(life).toBe('open')
              lives.set(channel, 'closing')
              break
            case 'closed':
              expect(life).not.toBe('closed')
              expect(channel.state).toBe('closed')
              lives.set(channel, 'closed')
              break
            default:
              expect(life).toMatch(/open|closing/)
          }
        }
      }
      const make = (options: { negotiated?: boolean; id?: number; ordered?: boolean }): void => {
        try {
          lives.set(manager.open(options, 0), 'made')
        } catch (error) {
          expect((error as DataChannelError).code).toMatch(/^ERR_DATACHANNEL_ID_/)
        }
      }
      for (const s of steps) {
        const channels = [...lives.keys()]
        if ('deliver' in s) association.deliver(s.deliver, s.ppid, s.data)
        else if ('reset' in s) association.events.push({ type: 'incoming-reset', streamIds: s.reset, all: s.all })
        else if ('answered' in s) association.events.push({ type: 'outgoing-reset', streamIds: [s.answered], ok: s.ok })
        else if ('discarded' in s) {
          association.events.push({ type: 'message-discarded', streamId: s.discarded, ppid: 53 })
        } else if ('restarted' in s) association.events.push({ type: 'restarted' })
        else if ('negotiate' in s) make({ negotiated: true, id: s.negotiate, ordered: s.ordered })
        else if ('create' in s) make({})
        else if ('close' in s) channels[s.close % channels.length]?.close()
        else if ('send' in s) {
          const channel = channels[s.send % channels.length]
          // A reset that the fake was told of and the test has answered by hand may still be under way there.
          if (channel?.state === 'open') {
            try {
              channel.send(s.text, 0)
            } catch (error) {
              expect((error as DataChannelError).code).toBe('ERR_DATACHANNEL_STATE')
            }
          }
        } else association.transmit(s.transmit)
        poll()
        const alive = manager.channels
        expect(new Set(alive.map((c) => c.id)).size).toBe(alive.length)
        expect(alive.filter((c) => (c.id! & 1) === 1 && !c.negotiated).length).toBeLessThanOrEqual(3)
        for (const channel of alive) expect(lives.get(channel)).not.toBe('closed')
      }
    }),
    { seed: 8831, numRuns: 400 },
  )
})
