import { afterEach, describe, expect, it } from 'vitest'
import type { RTCDataChannelInit } from '../src/index.ts'
import { closeAll, stillPeer, thrown } from './support/peers.ts'

afterEach(closeAll)

describe('createDataChannel', () => {
  it('has the defaults of the specification', () => {
    expect(stillPeer().createDataChannel('label')).toMatchObject({
      label: 'label',
      ordered: true,
      maxPacketLifeTime: null,
      maxRetransmits: null,
      protocol: '',
      negotiated: false,
      id: null,
      priority: 'low',
      readyState: 'connecting',
      bufferedAmount: 0,
      bufferedAmountLowThreshold: 0,
      binaryType: 'arraybuffer',
    })
  })

  it('takes what it is given', () => {
    const init: RTCDataChannelInit = { ordered: false, maxRetransmits: 0, protocol: 'p', negotiated: true, id: 0 }
    expect(stillPeer().createDataChannel('', init)).toMatchObject(init)
    const lifetime = { maxPacketLifeTime: 65535, id: 7, priority: 'high' } as const
    // Without `negotiated`, an id is ignored.
    expect(stillPeer().createDataChannel('x', lifetime)).toMatchObject({ ...lifetime, id: null })
  })

  it('makes strings of what is none, and well-formed ones', () => {
    const pc = stillPeer()
    expect(pc.createDataChannel(null as never).label).toBe('null')
    expect(pc.createDataChannel(undefined as never).label).toBe('undefined')
    expect(pc.createDataChannel('a\ud800b').label).toBe('a\ufffdb')
    expect(pc.createDataChannel('👋', { protocol: '\udfff' })).toMatchObject({ label: '👋', protocol: '\ufffd' })
  })

  it.each<[string, string, unknown]>([
    ['a label of 65536 bytes', 'ü'.repeat(32768), {}],
    ['a protocol of 65536 bytes', '', { protocol: 'x'.repeat(65536) }],
    ['a negotiated channel without id', '', { negotiated: true }],
    ['both limits', '', { maxRetransmits: 1, maxPacketLifeTime: 1 }],
    ['the id 65535', '', { negotiated: true, id: 65535 }],
    ['an id out of range', '', { negotiated: true, id: 65536 }],
    ['a negative id', '', { id: -1 }],
    ['a negative maxRetransmits', '', { maxRetransmits: -1 }],
    ['maxRetransmits 65536', '', { maxRetransmits: 65536 }],
    ['maxPacketLifeTime NaN', '', { maxPacketLifeTime: NaN }],
    ['an unknown priority', '', { priority: 'urgent' }],
    ['no dictionary', '', 5],
  ])('throws TypeError for %s', (_name, label, init) => {
    expect(thrown(() => stillPeer().createDataChannel(label, init as RTCDataChannelInit))).toBe('TypeError')
  })

  it('takes a label of 65535 bytes', () => {
    expect(stillPeer().createDataChannel('x'.repeat(65535)).label).toHaveLength(65535)
  })

  it('throws TypeError without a label', () => {
    const pc = stillPeer()
    expect(thrown(() => (pc.createDataChannel as () => unknown)())).toBe('TypeError')
  })

  it('throws OperationError for an id in use', () => {
    const pc = stillPeer()
    pc.createDataChannel('a', { negotiated: true, id: 3 })
    expect(thrown(() => pc.createDataChannel('b', { negotiated: true, id: 3 }))).toBe('OperationError')
  })
})

describe('RTCDataChannel before it is open', () => {
  it('does not send', () => {
    const channel = stillPeer().createDataChannel('x')
    expect(thrown(() => channel.send('x'))).toBe('InvalidStateError')
    expect(thrown(() => channel.send(null as never))).toBe('TypeError')
  })

  it('keeps binaryType and threshold within their types', () => {
    const channel = stillPeer().createDataChannel('x')
    channel.binaryType = 'blob'
    channel.binaryType = 'nonsense' as never
    expect(channel.binaryType).toBe('blob')
    channel.bufferedAmountLowThreshold = 2 ** 32 - 1
    expect(thrown(() => (channel.bufferedAmountLowThreshold = 2 ** 32))).toBe('TypeError')
    expect(thrown(() => (channel.bufferedAmountLowThreshold = -1))).toBe('TypeError')
    expect(channel.bufferedAmountLowThreshold).toBe(2 ** 32 - 1)
  })

  it('closes without ever having opened', async () => {
    const channel = stillPeer().createDataChannel('x')
    const closed = new Promise((resolve) => (channel.onclose = resolve))
    channel.close()
    expect(channel.readyState).toBe('closing')
    channel.close()
    await closed
    expect(channel.readyState).toBe('closed')
  })
})
