import { SctpError } from '@kaon/sctp'
import { describe, expect, test } from 'vitest'
import { channelPriority, DataChannelError, encodeOpen, PPID, type ChannelOptions } from '../src/index.ts'
import { fakePair, Side } from './fake-association.ts'

const OPEN = encodeOpen({
  ordered: true,
  maxRetransmits: undefined,
  maxPacketLifeTime: undefined,
  priority: 256,
  label: 'in',
  protocol: '',
})

function code(action: () => unknown): string {
  try {
    action()
  } catch (error) {
    if (error instanceof DataChannelError) return error.code
    throw error
  }
  return 'none'
}

describe('opening', () => {
  test('in band: OPEN and ACK on the same stream, both sides open', () => {
    const { a, b, run } = fakePair()
    const channel = a.manager.open({ label: 'chat', protocol: 'x', priority: 'high' }, 0)
    expect(channel).toMatchObject({ label: 'chat', protocol: 'x', id: 0, state: 'open', priority: 1024 })
    expect(a.words()).toEqual(['open chat'])
    run()
    const events = b.poll()
    expect(events).toMatchObject([{ type: 'channel' }])
    const incoming = b.manager.channels[0]!
    expect(incoming).toMatchObject({
      label: 'chat',
      protocol: 'x',
      id: 0,
      state: 'open',
      ordered: true,
      maxRetransmits: undefined,
      maxPacketLifeTime: undefined,
      negotiated: false,
      priority: 1024,
    })
    expect(a.association.priorities.get(0)).toBe(1024)
    expect(b.association.priorities.get(0)).toBe(1024)
    run()
    expect(a.words()).toEqual([])
    expect(b.association.sent.map((m) => [m.streamId, m.ppid, [...m.data]])).toEqual([[0, 50, [2]]])
    expect([a.manager.stats.channelsOpened, b.manager.stats.channelsOpened]).toEqual([1, 1])
    expect(a.manager.stats.dropped).toEqual(b.manager.stats.dropped)
  })

  test.each<[ChannelOptions, number, number]>([
    [{}, 0x00, 0],
    [{ ordered: false }, 0x80, 0],
    [{ maxRetransmits: 0 }, 0x01, 0],
    [{ maxRetransmits: 7, ordered: false }, 0x81, 7],
    [{ maxPacketLifeTime: 1500 }, 0x02, 1500],
    [{ maxPacketLifeTime: 0, ordered: false }, 0x82, 0],
  ])('%j is announced and used as channel type %i', (options, type, parameter) => {
    const { a, b, run } = fakePair()
    const channel = a.manager.open(options, 0)
    const open = a.association.sent[0]!
    expect(open.data[1]).toBe(type)
    expect(open).toEqual({ streamId: 0, ppid: 50, data: open.data }) // ordered and reliable
    expect((open.data[6]! << 8) | open.data[7]!).toBe(parameter)
    run()
    b.poll()
    run()
    a.poll()
    const back = b.manager.channels[0]!
    expect(back.ordered).toBe(options.ordered ?? true)
    expect(back.maxRetransmits).toBe(options.maxRetransmits)
    expect(back.maxPacketLifeTime).toBe(options.maxPacketLifeTime)
    for (const [side, end] of [
      [a, channel],
      [b, back],
    ] as const) {
      end.send('x', 0)
      expect(side.association.sent.at(-1)).toEqual({
        streamId: 0,
        ppid: 51,
        data: Uint8Array.of(0x78),
        unordered: options.ordered === false,
        ...('maxRetransmits' in options ? { maxRetransmits: options.maxRetransmits } : {}),
        ...('maxPacketLifeTime' in options ? { lifetime: options.maxPacketLifeTime } : {}),
      })
    }
  })

  test('channels wait for the association and the role, in the order they were made', () => {
    const side = new Side({})
    const first = side.manager.open({ label: 'first' }, 0)
    const second = side.manager.open({ label: 'second', negotiated: true, id: 1 }, 0)
    expect([first.id, second.id, first.state]).toEqual([null, 1, 'connecting'])
    expect(side.manager.maxChannels).toBeUndefined()
    side.manager.setRole('server', 0)
    expect(first.id).toBe(3) // 1 is taken
    expect(side.words()).toEqual([])
    expect(side.association.sent).toEqual([])
    side.association.events.push({ type: 'connected' })
    expect(side.words()).toEqual(['connected', 'open first', 'open second'])
    expect(side.association.sent.map((m) => m.streamId)).toEqual([3])
    expect(side.manager.maxChannels).toBe(65535)
    expect(() => side.manager.setRole('server', 0)).not.toThrow()
    expect(code(() => side.manager.setRole('client', 0))).toBe('ERR_DATACHANNEL_ARGUMENT')
  })

  test('the association may be up before the role is known', () => {
    const side = new Side({})
    side.association.events.push({ type: 'connected' })
    const channel = side.manager.open({ label: 'x' }, 0)
    const negotiated = side.manager.open({ label: 'n', negotiated: true, id: 9 }, 0)
    expect(side.words()).toEqual(['connected', 'open n'])
    side.manager.setRole('client', 0)
    expect(side.words()).toEqual(['open x'])
    expect([channel.id, negotiated.id]).toEqual([0, 9])
  })

  test('ids: even for the DTLS client, odd for the server', () => {
    const { a, b } = fakePair()
    expect([1, 2, 3].map(() => a.manager.open({}, 0).id)).toEqual([0, 2, 4])
    expect([1, 2, 3].map(() => b.manager.open({}, 0).id)).toEqual([1, 3, 5])
  })

  test('wrong options', () => {
    const { manager } = new Side().connect()
    const wrong: ChannelOptions[] = [
      { maxRetransmits: 0, maxPacketLifeTime: 0 },
      { maxRetransmits: -1 },
      { maxRetransmits: 65536 },
      { maxPacketLifeTime: 1.5 },
      { negotiated: true },
      { id: 4 },
      { negotiated: true, id: 65535 },
      { label: 'ü'.repeat(32768) },
      { protocol: 'x'.repeat(65536) },
      { priority: 65536 },
      { priority: 'urgent' as 'high' },
    ]
    for (const options of wrong) expect(code(() => manager.open(options, 0))).toBe('ERR_DATACHANNEL_ARGUMENT')
    expect(manager.channels).toEqual([])
    expect(channelPriority).toEqual({ 'very-low': 128, low: 256, medium: 512, high: 1024 })
  })

  test('ids in use, ids exhausted', () => {
    const side = new Side()
    side.association.negotiated = { outboundStreams: 6, inboundStreams: 10, streamReset: true }
    const early = side.manager.open({ label: 'early', negotiated: true, id: 6 }, 0)
    side.association.events.push({ type: 'connected' })
    expect(side.words()).toEqual(['connected', 'closed early ERR_DATACHANNEL_ID_EXHAUSTED'])
    expect(early.state).toBe('closed')
    expect(side.manager.maxChannels).toBe(6)
    side.manager.open({ negotiated: true, id: 2 }, 0)
    expect(code(() => side.manager.open({ negotiated: true, id: 2 }, 0))).toBe('ERR_DATACHANNEL_ID_IN_USE')
    expect([side.manager.open({}, 0).id, side.manager.open({}, 0).id]).toEqual([0, 4])
    expect(code(() => side.manager.open({}, 0))).toBe('ERR_DATACHANNEL_ID_EXHAUSTED')
    expect(code(() => side.manager.open({ negotiated: true, id: 7 }, 0))).toBe('ERR_DATACHANNEL_ID_EXHAUSTED')
    expect(side.manager.open({ negotiated: true, id: 5 }, 0).state).toBe('open')
  })

  test('more channels wait than the association has streams for', () => {
    const side = new Side()
    side.association.negotiated = { outboundStreams: 3, inboundStreams: 3, streamReset: true }
    const channels = ['a', 'b', 'c'].map((label) => side.manager.open({ label }, 0))
    side.association.events.push({ type: 'connected' })
    expect(side.words()).toEqual(['connected', 'open a', 'open b', 'closed c ERR_DATACHANNEL_ID_EXHAUSTED'])
    expect(channels.map((c) => c.id)).toEqual([0, 2, 4])
  })

  test('a label that the peer has no room for closes the channel with an error', () => {
    const side = new Side({ role: 'client', maxMessageSize: 1000 }).connect()
    const channel = side.manager.open({ label: 'x'.repeat(1000) }, 0)
    expect(side.poll()).toMatchObject([
      { type: 'closed', channel, error: { code: 'ERR_DATACHANNEL_MESSAGE_TOO_LARGE' } },
    ])
    expect(side.manager.open({}, 0).id).toBe(0) // the id was not lost
  })
})

describe('refusing', () => {
  const cases: readonly (readonly [string, number, Uint8Array | number[], string])[] = [
    ['a parity that is ours', 2, OPEN, 'parity'],
    ['malformed', 3, OPEN.subarray(0, 11), 'malformed'],
    ['an unknown channel type', 3, [3, 5, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0], 'malformed'],
  ]
  test('no room for the ACK: refused, so that the opener does not send into the void', () => {
    const { a, b, run } = fakePair()
    const channel = a.manager.open({ label: 'x' }, 0)
    a.words()
    b.association.failure = new SctpError('ERR_SCTP_BUFFER_FULL', 'full')
    run()
    expect(b.words()).toEqual([])
    expect(b.manager.stats.refused.limit).toBe(1)
    expect(b.association.resets).toEqual([0])
    run()
    expect(a.words()).toEqual(['closing x'])
    run()
    b.poll()
    run()
    expect(a.words()).toEqual(['closed x ERR_DATACHANNEL_REFUSED'])
    expect(channel.state).toBe('closed')
    expect(b.manager.channels).toEqual([])
  })

  test.each(cases)('%s: the stream is reset and no ACK sent', (_, id, bytes, reason) => {
    const side = new Side().connect()
    side.association.deliver(id, PPID.DCEP, bytes)
    expect(side.words()).toEqual([])
    expect(side.association.resets).toEqual([id])
    expect(side.association.sent).toEqual([])
    expect(side.manager.stats.refused[reason as 'parity']).toBe(1)
    // The id is not free before both directions are reset.
    expect(code(() => side.manager.open({ negotiated: true, id }, 0))).toBe('ERR_DATACHANNEL_ID_IN_USE')
    side.association.transmit()
    side.association.events.push({ type: 'incoming-reset', streamIds: [id], all: false })
    side.poll()
    expect(side.manager.open({ negotiated: true, id }, 0).state).toBe('open')
  })

  test('the opener is told with an error', () => {
    const { a, b, run } = fakePair({}, { maxIncomingChannels: 1 })
    a.manager.open({ label: 'one' }, 0)
    a.manager.open({ label: 'two' }, 0)
    run()
    expect(b.words()).toEqual(['channel one'])
    expect(b.manager.stats.refused.limit).toBe(1)
    run()
    expect(a.words()).toEqual(['open one', 'open two', 'closing two'])
    run()
    expect(a.words()).toEqual(['closed two ERR_DATACHANNEL_REFUSED'])
    expect(b.words()).toEqual([])
    // A closed channel makes room again.
    a.manager.channels[0]!.close()
    for (let i = 0; i < 4; i++) {
      run()
      a.poll()
      b.poll()
    }
    a.manager.open({ label: 'three' }, 0)
    run()
    expect(b.words()).toEqual(['channel three'])
  })

  test('labels have a limit together', () => {
    const { a, b, run } = fakePair({ maxMessageSize: 0 }, { maxIncomingLabelBytes: 100_000 })
    for (let i = 0; i < 3; i++) a.manager.open({ label: 'x'.repeat(30_000), protocol: 'y'.repeat(10_000) }, 0)
    run()
    expect(b.poll()).toHaveLength(2)
    expect(b.manager.stats.refused.limit).toBe(1)
  })

  test('an OPEN for a channel in use is ignored and counted', () => {
    const side = new Side().connect()
    const channel = side.manager.open({ label: 'mine', negotiated: true, id: 1 }, 0)
    side.poll()
    side.association.deliver(1, PPID.DCEP, OPEN)
    expect(side.words()).toEqual([])
    expect(channel.state).toBe('open')
    expect(side.manager.stats.refused.idInUse).toBe(1)
    expect(side.association.sent).toEqual([])
  })

  test('a stream that we have not got', () => {
    const side = new Side()
    side.association.negotiated = { outboundStreams: 4, inboundStreams: 100, streamReset: true }
    side.connect()
    side.association.deliver(5, PPID.DCEP, OPEN)
    expect(side.words()).toEqual([])
    expect(side.manager.stats.refused.stream).toBe(1)
  })

  test('ACKs and nonsense that nobody asked for are counted', () => {
    const side = new Side().connect()
    side.manager.open({ label: 'x' }, 0)
    for (let i = 0; i < 3; i++) side.association.deliver(0, PPID.DCEP, [2])
    side.association.deliver(1, PPID.DCEP, [2])
    side.association.deliver(0, PPID.DCEP, [9])
    side.association.deliver(3, PPID.DCEP, [])
    side.association.deliver(0, 99, [1])
    expect(side.words()).toEqual(['open x'])
    expect(side.manager.stats.dropped).toMatchObject({ unexpectedAck: 3, malformedDcep: 2, unknownPpid: 1 })
  })
})

describe('messages', () => {
  test('strings, bytes and the two empty ones', () => {
    const { a, b, run } = fakePair()
    const channel = a.manager.open({ label: 'c' }, 0)
    for (const data of ['héllo 🎈', '', '\uFEFFbom', '\0', Uint8Array.of(0, 255), new Uint8Array(0)])
      channel.send(data, 0)
    run()
    expect(b.words()).toEqual([
      'channel c',
      'message c "héllo 🎈"',
      'message c ""',
      'message c "\uFEFFbom"',
      'message c "\\u0000"',
      'message c [0,255]',
      'message c []',
    ])
    expect(a.association.sent.slice(1).map((m) => m.ppid)).toEqual([51, 56, 51, 51, 53, 57])
    expect([...a.association.sent[2]!.data]).toEqual([0])
    expect(channel.stats).toEqual({ messagesSent: 6, bytesSent: 11 + 6 + 1 + 2, messagesReceived: 0, bytesReceived: 0 })
    expect(b.manager.channels[0]!.stats).toEqual({
      messagesSent: 0,
      bytesSent: 0,
      messagesReceived: 6,
      bytesReceived: 20,
    })
  })

  test('what an empty message carries is ignored; text that is not UTF-8 is mended', () => {
    const side = new Side().connect()
    side.manager.open({ label: 'n', negotiated: true, id: 5 }, 0)
    side.poll()
    side.association.deliver(5, PPID.STRING_EMPTY, [1, 2, 3])
    side.association.deliver(5, PPID.BINARY_EMPTY, [1, 2, 3])
    side.association.deliver(5, PPID.STRING, [0x61, 0xff, 0x62])
    expect(side.words()).toEqual(['message n ""', 'message n []', 'message n "a\uFFFDb"'])
  })

  test('until the peer was heard, an unordered channel sends in order', () => {
    const { a, b, run } = fakePair()
    const channel = a.manager.open({ ordered: false }, 0)
    channel.send('1', 0)
    run()
    b.poll()
    channel.send('2', 0)
    run() // the ACK is on its way in
    a.poll()
    channel.send('3', 0)
    expect(a.association.sent.map((m) => m.unordered ?? false)).toEqual([false, false, false, true])
    // A message will do as well as the ACK (RFC 8832 §6).
    const other = a.manager.open({ ordered: false }, 0)
    a.association.deliver(other.id!, PPID.STRING, [0x78])
    a.poll()
    other.send('4', 0)
    expect(a.association.sent.at(-1)!.unordered).toBe(true)
    // Nobody acknowledges a negotiated one.
    const negotiated = a.manager.open({ ordered: false, negotiated: true, id: 9 }, 0)
    negotiated.send('5', 0)
    expect(a.association.sent.at(-1)!.unordered).toBe(true)
  })

  test('maxMessageSize: bytes of UTF-8 count, 0 is without limit', () => {
    const side = new Side({ role: 'client', maxMessageSize: 4 }).connect()
    const channel = side.manager.open({ negotiated: true, id: 0 }, 0)
    channel.send('ñññ'.slice(0, 2), 0)
    expect(code(() => channel.send('ñññ', 0))).toBe('ERR_DATACHANNEL_MESSAGE_TOO_LARGE')
    expect(code(() => channel.send(new Uint8Array(5), 0))).toBe('ERR_DATACHANNEL_MESSAGE_TOO_LARGE')
    expect(channel.bufferedAmount).toBe(4)
    side.manager.setMaxMessageSize(0)
    expect(side.manager.maxMessageSize).toBe(Infinity)
    expect(side.association.maxMessageSize).toBe(Infinity)
    channel.send(new Uint8Array(1_000_000), 0)
    expect(new Side({}).manager.maxMessageSize).toBe(65536) // RFC 8841 §6.1
    expect(code(() => side.manager.setMaxMessageSize(NaN))).toBe('ERR_DATACHANNEL_ARGUMENT')
  })

  test("the association's refusals come in our terms and count nothing", () => {
    const side = new Side().connect()
    const channel = side.manager.open({ negotiated: true, id: 0 }, 0)
    side.association.failure = new SctpError('ERR_SCTP_BUFFER_FULL', 'full')
    expect(code(() => channel.send('x', 0))).toBe('ERR_DATACHANNEL_BUFFER_FULL')
    side.association.failure = new SctpError('ERR_SCTP_STATE', 'gone')
    expect(code(() => channel.send('x', 0))).toBe('ERR_DATACHANNEL_STATE')
    expect(channel.bufferedAmount).toBe(0)
    expect(channel.stats.messagesSent).toBe(0)
  })

  test('sending needs an open channel', () => {
    const side = new Side({})
    const channel = side.manager.open({ label: 'x' }, 0)
    expect(code(() => channel.send('x', 0))).toBe('ERR_DATACHANNEL_STATE')
    channel.close()
    channel.close()
    expect(channel.state).toBe('closed')
    expect(code(() => channel.send('x', 0))).toBe('ERR_DATACHANNEL_STATE')
    expect(side.words()).toEqual(['closed x'])
    side.association.events.push({ type: 'connected' })
    side.manager.setRole('client', 0)
    expect(side.words()).toEqual(['connected'])
    expect(side.association.sent).toEqual([])
    expect(side.manager.stats).toMatchObject({ channelsOpened: 0, channelsClosed: 0 })
  })

  test('a message above our own limit closes the channel with an error', () => {
    const side = new Side().connect()
    side.manager.open({ label: 'x', negotiated: true, id: 3 }, 0)
    side.poll()
    side.association.events.push({ type: 'message-discarded', streamId: 3, ppid: 53 })
    side.association.events.push({ type: 'message-discarded', streamId: 7, ppid: 53 })
    expect(side.words()).toEqual(['closing x'])
    side.association.transmit()
    side.association.events.push({ type: 'incoming-reset', streamIds: [3], all: false })
    expect(side.words()).toEqual(['closed x ERR_DATACHANNEL_MESSAGE_TOO_LARGE'])
  })

  describe('partial messages of the draft days', () => {
    function receiver(options: ChannelOptions = {}): { side: Side; parts(...list: [number, string][]): string[] } {
      const side = new Side({ role: 'client', maxPartialBytes: 1000 }).connect()
      side.manager.open({ label: 'x', negotiated: true, id: 3, ...options }, 0)
      side.poll()
      return {
        side,
        parts: (...list) => {
          for (const [ppid, text] of list) side.association.deliver(3, ppid, new TextEncoder().encode(text))
          return side.words()
        },
      }
    }

    test('are put together', () => {
      const { parts } = receiver()
      expect(parts([54, 'a'], [54, 'b'], [51, 'c'], [51, 'd'])).toEqual(['message x "abc"', 'message x "d"'])
      expect(parts([52, 'a'], [53, 'b'])).toEqual(['message x [97,98]'])
    })

    test.each([
      [
        'that change their kind',
        [
          [54, 'a'],
          [53, 'b'],
        ] as [number, string][],
      ],
      [
        'that change their kind midway',
        [
          [54, 'a'],
          [52, 'b'],
        ] as [number, string][],
      ],
      [
        'that an empty message interrupts',
        [
          [54, 'a'],
          [56, '\0'],
        ] as [number, string][],
      ],
      ['that are too large', Array.from({ length: 9 }, () => [52, 'x'.repeat(60)]) as [number, string][]],
    ])('%s close the channel', (_, list) => {
      const { side, parts } = receiver()
      expect(parts(...list)).toEqual(['closing x'])
      expect(side.manager.stats.dropped.partial).toBe(1)
    })

    test('cannot be put together on an unordered channel', () => {
      expect(receiver({ ordered: false }).parts([54, 'a'])).toEqual(['closing x'])
    })
  })
})

describe('messages without a channel', () => {
  test('wait for a negotiated channel that is made late', () => {
    const side = new Side().connect()
    side.association.deliver(4, PPID.STRING, [0x61])
    side.association.deliver(4, PPID.STRING, [0x62])
    expect(side.words()).toEqual([])
    expect(side.manager.channels).toEqual([])
    side.manager.open({ label: 'late', negotiated: true, id: 4 }, 0)
    expect(side.words()).toEqual(['open late', 'message late "a"', 'message late "b"'])
    // The id is not handed out to somebody else meanwhile.
    side.association.deliver(0, PPID.STRING, [0x61])
    side.poll()
    expect(side.manager.open({}, 0).id).toBe(2)
  })

  test('are not kept without limit: the stream is reset', () => {
    const side = new Side({ role: 'client', maxHeldBytes: 10_000 }).connect()
    for (let i = 0; i < 200; i++) side.association.deliver(4, PPID.STRING, [0x61])
    side.poll()
    expect(side.association.resets).toEqual([4])
    const { noChannel, closing } = side.manager.stats.dropped
    expect(noChannel + closing).toBe(200 - Math.floor(10_000 / 65))
    expect(code(() => side.manager.open({ negotiated: true, id: 4 }, 0))).toBe('ERR_DATACHANNEL_ID_IN_USE')
    // What was kept is gone, so another stream has the whole room.
    for (let i = 0; i < 10_000 / 65 - 1; i++) side.association.deliver(5, PPID.STRING, [0x61])
    side.poll()
    side.manager.open({ negotiated: true, id: 5 }, 0)
    expect(side.poll()).toHaveLength(1 + Math.floor(10_000 / 65))
  })

  test('a peer that closes a channel we never had gets its answer, but not for ever', () => {
    const side = new Side().connect()
    side.association.deliver(6, PPID.STRING, [0x61])
    for (let round = 0; round < 20; round++) {
      side.association.events.push({ type: 'incoming-reset', streamIds: [6, 8], all: false })
      expect(side.words()).toEqual([])
      side.association.transmit()
      side.poll()
    }
    expect(side.association.resets.slice(0, 4)).toEqual([6, 8, 6, 8])
    // The first answer to stream 6 was to a channel that had sent something.
    expect(side.association.resets.filter((id) => id === 6)).toHaveLength(9)
    expect(side.association.resets.filter((id) => id === 8)).toHaveLength(8)
    expect(side.manager.stats.dropped.unexpectedReset).toBe(11 + 12)
    expect(side.manager.open({ negotiated: true, id: 8 }, 0).state).toBe('open')
  })
})
