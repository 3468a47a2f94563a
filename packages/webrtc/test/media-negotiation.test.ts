import { parse, type SessionDescription } from '@kaon/sdp'
import { afterEach, describe, expect, it } from 'vitest'
import { MediaStream, MediaStreamTrack, RTCRtpReceiver, RTCRtpSender, type RTCPeerConnection } from '../src/index.ts'
import type { RTCTrackEvent } from '../src/track-event.ts'
import { closeAll, negotiate, once, rejection, stillPeer, thrown } from './support/peers.ts'

afterEach(closeAll)

const model = (sdp: string | undefined): SessionDescription => parse(sdp!)!
const offerOf = async (pc: RTCPeerConnection): Promise<SessionDescription> => model((await pc.createOffer()).sdp)
const video = (): MediaStreamTrack => new MediaStreamTrack({ kind: 'video' })
const audio = (): MediaStreamTrack => new MediaStreamTrack({ kind: 'audio' })

describe('addTrack', () => {
  it('makes a transceiver that sends and receives', () => {
    const pc = stillPeer()
    const track = video()
    const sender = pc.addTrack(track)
    const [transceiver] = pc.getTransceivers()
    expect(pc.getSenders()).toEqual([sender])
    expect(transceiver).toMatchObject({ mid: null, direction: 'sendrecv', currentDirection: null })
    expect(transceiver!.sender).toBe(sender)
    expect(sender.track).toBe(track)
    expect(transceiver!.receiver.track).toMatchObject({ kind: 'video', muted: true, readyState: 'live' })
    expect(pc.getReceivers()).toEqual([transceiver!.receiver])
  })

  it('refuses a track that has a sender, and none after close', () => {
    const pc = stillPeer()
    const track = audio()
    pc.addTrack(track)
    expect(thrown(() => pc.addTrack(track))).toBe('InvalidAccessError')
    expect(thrown(() => pc.addTrack({} as MediaStreamTrack))).toBe('TypeError')
    pc.close()
    expect(thrown(() => pc.addTrack(audio()))).toBe('InvalidStateError')
  })

  it('uses a sender again that has never sent, and no other', async () => {
    const [a, b] = [stillPeer(), stillPeer()]
    const unused = a.addTransceiver('video', { direction: 'recvonly' })
    expect(a.addTrack(video())).toBe(unused.sender)
    expect(unused.direction).toBe('sendrecv')
    await negotiate(a, b)
    a.removeTrack(unused.sender)
    expect(unused.direction).toBe('recvonly')
    expect(a.addTrack(video())).not.toBe(unused.sender)
  })

  it('asks for negotiation, as every change of what is offered does', async () => {
    const [a, b] = [stillPeer(), stillPeer()]
    const asked = (): Promise<unknown> => once(a, 'negotiationneeded')
    let next = asked()
    const sender = a.addTrack(video())
    await next
    await negotiate(a, b)
    next = asked()
    a.removeTrack(sender)
    await next
    await negotiate(a, b)
    next = asked()
    a.getTransceivers()[0]!.direction = 'sendrecv'
    await next
    await negotiate(a, b)
    next = asked()
    a.getTransceivers()[0]!.stop()
    await next
  })
})

describe('addTransceiver', () => {
  it.each([
    ['a kind that is none', () => stillPeer().addTransceiver('data' as 'audio'), 'TypeError'],
    ['the direction stopped', () => stillPeer().addTransceiver('audio', { direction: 'stopped' }), 'TypeError'],
    ['two layers of one rid', () => layers({ rid: 'a' }, { rid: 'a' }), 'TypeError'],
    ['several layers of which one has no rid', () => layers({ rid: 'a' }, {}), 'TypeError'],
    ['a rid that is none', () => layers({ rid: 'ä' }), 'TypeError'],
    ['scaling up', () => layers({ scaleResolutionDownBy: 0.5 }), 'RangeError'],
    ['a negative frame rate', () => layers({ maxFramerate: -1 }), 'RangeError'],
  ])('refuses %s', (_what, action, error) => expect(thrown(action)).toBe(error))

  function layers(...sendEncodings: RTCRtpEncodingParameters[]): unknown {
    return stillPeer().addTransceiver('video', { sendEncodings })
  }

  it('has layers that halve from the last to the first, unless they say otherwise', () => {
    const of = (...sendEncodings: RTCRtpEncodingParameters[]): (number | undefined)[] =>
      stillPeer()
        .addTransceiver('video', { sendEncodings })
        .sender.getParameters()
        .encodings.map(({ scaleResolutionDownBy }) => scaleResolutionDownBy)
    expect(of({ rid: 'q' }, { rid: 'h' }, { rid: 'f' })).toEqual([4, 2, 1])
    expect(of({ rid: 'q', scaleResolutionDownBy: 8 }, { rid: 'f' })).toEqual([8, 1])
    expect(of({})).toEqual([1])
  })
})

describe('offers of media', () => {
  it('describe codecs with retransmissions, extensions, sources and streams', async () => {
    const pc = stillPeer()
    const stream = new MediaStream()
    const track = video()
    pc.addTrack(track, stream)
    pc.addTransceiver('audio', { direction: 'recvonly' })
    const { media, groups, extmapAllowMixed } = await offerOf(pc)
    expect(media.map(({ kind, mid, direction }) => [kind, mid, direction])).toEqual([
      ['video', '0', 'sendrecv'],
      ['audio', '1', 'recvonly'],
    ])
    expect(groups).toEqual([{ semantics: 'BUNDLE', mids: ['0', '1'] }])
    expect(extmapAllowMixed).toBe(true)
    const [first, second] = [media[0]!, media[1]!]
    expect(first).toMatchObject({
      protocol: 'UDP/TLS/RTP/SAVPF',
      rtcpMux: true,
      rtcpReducedSize: true,
      setup: 'actpass',
    })
    expect(first.msids).toEqual([{ streamId: stream.id, trackId: track.id }])
    const vp8 = first.codecs.find(({ name }) => name === 'VP8')!
    expect(vp8.feedback).toEqual(expect.arrayContaining(['nack', 'nack pli', 'ccm fir', 'transport-cc']))
    expect(first.codecs.find(({ fmtp }) => fmtp === `apt=${vp8.payloadType}`)?.name).toBe('rtx')
    const [group] = first.ssrcGroups
    expect(group).toMatchObject({ semantics: 'FID' })
    expect(first.ssrcs.map(({ ssrc }) => ssrc)).toEqual(group!.ssrcs)
    expect(second.ssrcs).toEqual([])
    expect(second.msids).toEqual([])
    expect(second.codecs.find(({ name }) => name === 'PCMU')?.payloadType).toBe(0)
    const ids = media.flatMap(({ extmaps }) => extmaps)
    for (const { id, uri } of ids)
      expect(ids.filter((other) => other.id === id).every((other) => other.uri === uri)).toBe(true)
    const numbers = media.flatMap(({ codecs }) => codecs.map(({ payloadType }) => payloadType))
    expect(new Set(numbers).size).toBe(numbers.length)
  })

  it.each([
    ['balanced', [0, 1, 0]],
    ['max-compat', [0, 1, 2]],
    ['max-bundle', [0, 0, 0]],
  ] as const)('have transports by the bundle policy: %s', async (bundlePolicy, expected) => {
    const pc = stillPeer({ bundlePolicy })
    pc.addTrack(audio())
    pc.addTrack(video())
    pc.addTrack(video())
    await pc.setLocalDescription()
    const { media } = model(pc.localDescription!.sdp)
    expect(new Set(media.map(({ iceUfrag }) => iceUfrag)).size).toBe(1)
    expect(media.map(({ port, bundleOnly }) => [port, bundleOnly])).toEqual([9, 9, 9].map((port) => [port, false]))
    const transports = pc.getSenders().map(({ transport }) => transport)
    const distinct = [...new Set(transports)]
    expect(transports.map((transport) => distinct.indexOf(transport))).toEqual(expected)
  })

  it('take apart what the policy had put together when the answerer does not bundle', async () => {
    const [a, b] = [stillPeer({ bundlePolicy: 'max-bundle' }), stillPeer()]
    a.addTrack(audio())
    a.addTrack(video())
    await a.setLocalDescription()
    const sdp = a.localDescription!.sdp.replace(/a=group:BUNDLE.*\r\n/, '')
    await b.setRemoteDescription({ type: 'offer', sdp })
    await b.setLocalDescription()
    await a.setRemoteDescription(b.localDescription!)
    expect(new Set(a.getSenders().map(({ transport }) => transport)).size).toBe(2)
  })

  it('follow setCodecPreferences, and refuse what is not there', async () => {
    const pc = stillPeer()
    const { codecs } = RTCRtpReceiver.getCapabilities('video')!
    const transceiver = pc.addTransceiver('video')
    const pick = (name: string): (typeof codecs)[number] => codecs.find(({ mimeType }) => mimeType === `video/${name}`)!
    transceiver.setCodecPreferences([pick('AV1'), pick('VP8')])
    expect((await offerOf(pc)).media[0]!.codecs.map(({ name }) => name)).toEqual(['AV1', 'VP8'])
    transceiver.setCodecPreferences([pick('VP9'), pick('rtx')])
    expect((await offerOf(pc)).media[0]!.codecs.map(({ name }) => name)).toEqual(['VP9', 'rtx'])
    expect(thrown(() => transceiver.setCodecPreferences([pick('rtx')]))).toBe('InvalidModificationError')
    expect(thrown(() => transceiver.setCodecPreferences([{ mimeType: 'video/x', clockRate: 1 }]))).toBe(
      'InvalidModificationError',
    )
    transceiver.setCodecPreferences([])
    expect((await offerOf(pc)).media[0]!.codecs.length).toBeGreaterThan(10)
  })

  it('have repair formats only when they are asked for', async () => {
    const pc = stillPeer()
    const { codecs } = RTCRtpReceiver.getCapabilities('video')!
    const transceiver = pc.addTransceiver('video', { direction: 'recvonly' })
    const names = async (): Promise<string[]> => (await offerOf(pc)).media[0]!.codecs.map(({ name }) => name)
    for (const name of ['red', 'ulpfec', 'flexfec-03']) expect(await names()).not.toContain(name)
    transceiver.setCodecPreferences(codecs)
    expect(await names()).toEqual(expect.arrayContaining(['red', 'ulpfec', 'flexfec-03']))
  })

  it('announce layers by rid, without SSRCs', async () => {
    const pc = stillPeer()
    pc.addTransceiver(video(), { sendEncodings: [{ rid: 'l' }, { rid: 'h', active: false }] })
    const [section] = (await offerOf(pc)).media
    expect(section!.rids).toMatchObject([
      { id: 'l', direction: 'send' },
      { id: 'h', direction: 'send' },
    ])
    expect(section!.simulcast?.send).toEqual([[{ rid: 'l', paused: false }], [{ rid: 'h', paused: true }]])
    expect(section!.ssrcs).toEqual([])
  })
})

describe('answers to media', () => {
  it('keep numbers, order, feedback and extension ids of the offer', async () => {
    const [a, b] = [stillPeer(), stillPeer()]
    a.addTrack(video())
    await b.setRemoteDescription((await a.createOffer()) as RTCSessionDescriptionInit)
    const offered = (await offerOf(a)).media[0]!
    const answered = model((await b.createAnswer()).sdp).media[0]!
    expect(answered.codecs).toEqual(offered.codecs)
    expect(answered.extmaps).toEqual(offered.extmaps)
    expect(answered.direction).toBe('recvonly')
  })

  it('leave out a header extension whose id means another one in the bundle', async () => {
    const [a, b] = [stillPeer(), stillPeer()]
    a.addTrack(audio())
    a.addTrack(video())
    const offer = model((await a.createOffer()).sdp)
    const [sound, picture] = offer.media
    const level = sound!.extmaps.find(({ uri }) => uri.endsWith('ssrc-audio-level'))!
    picture!.extmaps = picture!.extmaps.map((extmap, i) => (i === 0 ? { ...extmap, id: level.id } : extmap))
    await b.setRemoteDescription({ type: 'offer', sdp: offer.toString() })
    const answered = model((await b.createAnswer()).sdp)
    expect(answered.media[0]!.extmaps).toEqual(sound!.extmaps)
    expect(answered.media[1]!.extmaps).toEqual(picture!.extmaps.slice(1))
    // On a transport of its own it means what it says.
    offer.groups = []
    await b.setRemoteDescription({ type: 'offer', sdp: offer.toString() })
    expect(model((await b.createAnswer()).sdp).media[1]!.extmaps).toEqual(picture!.extmaps)
  })

  it('have the order of setCodecPreferences, and only its codecs', async () => {
    const [a, b] = [stillPeer(), stillPeer()]
    a.addTrack(video())
    await a.setLocalDescription()
    await b.setRemoteDescription(a.localDescription!)
    const { codecs } = RTCRtpSender.getCapabilities('video')!
    const pick = (name: string): (typeof codecs)[number] => codecs.find(({ mimeType }) => mimeType === `video/${name}`)!
    b.getTransceivers()[0]!.setCodecPreferences([pick('AV1'), pick('rtx'), pick('VP8')])
    const answered = model((await b.createAnswer()).sdp).media[0]!
    expect(answered.codecs.map(({ name }) => name)).toEqual(['AV1', 'rtx', 'VP8', 'rtx'])
  })

  it('outlive an offer of the other side: codecs keep their order', async () => {
    const [a, b] = [stillPeer(), stillPeer()]
    const transceiver = a.addTransceiver(video())
    const { codecs } = RTCRtpSender.getCapabilities('video')!
    const isFirst = ({ mimeType }: { mimeType: string }): boolean => mimeType === 'video/AV1'
    transceiver.setCodecPreferences([...codecs.filter(isFirst), ...codecs.filter((codec) => !isFirst(codec))])
    await negotiate(a, b)
    const names = (sdp: string): string[] => model(sdp).media[0]!.codecs.map(({ name }) => name)
    const agreed = names(b.localDescription!.sdp)
    expect(agreed[0]).toBe('AV1')
    const offered = names((await b.createOffer()).sdp!)
    expect(offered.slice(0, agreed.length)).toEqual(agreed)
    // An order of its own goes before it.
    const own = b.getTransceivers()[0]!
    own.setCodecPreferences(codecs.filter(({ mimeType }) => /VP8|rtx/.test(mimeType)))
    expect(names((await b.createOffer()).sdp!)).toEqual(['VP8', 'rtx'])
  })

  it('take the layers that are offered', async () => {
    const [a, b] = [stillPeer(), stillPeer()]
    const { sender } = a.addTransceiver(video(), { sendEncodings: [{ rid: 'l' }, { rid: 'h' }] })
    await negotiate(a, b)
    const answered = model(b.localDescription!.sdp).media[0]!
    expect(answered.simulcast?.recv).toEqual([[{ rid: 'l', paused: false }], [{ rid: 'h', paused: false }]])
    expect(sender.getParameters().encodings.map(({ rid }) => rid)).toEqual(['l', 'h'])
  })

  it('that take no layers leave the first', async () => {
    const [a, b] = [stillPeer(), stillPeer()]
    const { sender } = a.addTransceiver(video(), { sendEncodings: [{ rid: 'l' }, { rid: 'h' }] })
    await a.setLocalDescription()
    const plain = a.localDescription!.sdp.replace(/a=(simulcast|rid):.*\r\n/g, '')
    await b.setRemoteDescription({ type: 'offer', sdp: plain })
    await b.setLocalDescription()
    await a.setRemoteDescription(b.localDescription!)
    expect(sender.getParameters().encodings.map(({ rid }) => rid)).toEqual(['l'])
  })

  it('refuse a section whose transceiver was stopped', async () => {
    const [a, b] = [stillPeer(), stillPeer()]
    a.addTrack(video())
    await a.setLocalDescription()
    await b.setRemoteDescription(a.localDescription!)
    b.getTransceivers()[0]!.stop()
    await b.setLocalDescription()
    expect(model(b.localDescription!.sdp).media[0]!.isRejected).toBe(true)
    await a.setRemoteDescription(b.localDescription!)
    expect(a.getTransceivers()).toEqual([])
    expect(b.getTransceivers()).toEqual([])
  })
})

describe('the track event', () => {
  it('comes with the track, its streams and the transceiver', async () => {
    const [a, b] = [stillPeer(), stillPeer()]
    const stream = new MediaStream()
    const track = video()
    a.addTrack(track, stream)
    await a.setLocalDescription()
    const event = once<RTCTrackEvent>(b, 'track')
    await b.setRemoteDescription(a.localDescription!)
    const { receiver, transceiver, streams, track: remote } = await event
    expect(b.getReceivers()).toEqual([receiver])
    expect(transceiver).toBe(b.getTransceivers()[0])
    expect(remote).toBe(receiver.track)
    expect(remote.id).toBe(track.id)
    expect(streams.map(({ id }) => id)).toEqual([stream.id])
    expect(streams[0]!.getTracks()).toEqual([remote])
    expect(transceiver).toMatchObject({ mid: '0', direction: 'recvonly', currentDirection: null })
  })

  it('uses a transceiver of addTrack, and none of addTransceiver', async () => {
    const [a, b] = [stillPeer(), stillPeer()]
    a.addTrack(video())
    const other = b.addTransceiver(video())
    b.addTrack(video())
    await negotiate(a, b)
    const [, used] = b.getTransceivers()
    expect(other.mid).toBe(null)
    expect(used).toMatchObject({ mid: '0', currentDirection: 'sendrecv' })
    expect(a.getTransceivers()[0]!.currentDirection).toBe('sendrecv')
  })

  it('puts one stream into the same object for several tracks, and tells of later ones', async () => {
    const [a, b] = [stillPeer(), stillPeer()]
    const stream = new MediaStream()
    a.addTrack(audio(), stream)
    const first = once<RTCTrackEvent>(b, 'track')
    await negotiate(a, b)
    const [remote] = (await first).streams
    const added: string[] = []
    remote!.onaddtrack = ({ track }) => added.push(track.kind)
    a.addTrack(video(), stream)
    const second = once<RTCTrackEvent>(b, 'track')
    await negotiate(a, b)
    expect((await second).streams[0]).toBe(remote)
    expect(added).toEqual(['video'])
  })

  it('is undone by removeTrack: the track leaves its stream and is muted', async () => {
    const [a, b] = [stillPeer(), stillPeer()]
    const stream = new MediaStream()
    const sender = a.addTrack(video(), stream)
    const event = once<RTCTrackEvent>(b, 'track')
    await negotiate(a, b)
    const { track, streams } = await event
    const removed = once(streams[0]!, 'removetrack')
    a.removeTrack(sender)
    await negotiate(a, b)
    await removed
    expect(track.readyState).toBe('live')
    expect(streams[0]!.getTracks()).toEqual([])
    expect(b.getTransceivers()[0]!.currentDirection).toBe('inactive')
  })

  it('has its track ended when the transceiver is stopped, on both sides', async () => {
    const [a, b] = [stillPeer(), stillPeer()]
    a.addTrack(video())
    const event = once<RTCTrackEvent>(b, 'track')
    await negotiate(a, b)
    const { track } = await event
    const ended = once(track, 'ended')
    const [transceiver] = a.getTransceivers()
    transceiver!.stop()
    expect(transceiver!.direction).toBe('stopped')
    await negotiate(a, b)
    await ended
    expect(a.getTransceivers()).toEqual([])
    expect(b.getTransceivers()).toEqual([])
    expect(transceiver!.currentDirection).toBe('stopped')
  })
})

describe('sections', () => {
  it('of stopped transceivers are used again under another mid', async () => {
    const [a, b] = [stillPeer(), stillPeer()]
    a.addTrack(video())
    a.addTrack(audio())
    await negotiate(a, b)
    a.getTransceivers()[0]!.stop()
    await negotiate(a, b)
    a.addTrack(audio())
    await negotiate(a, b)
    const { media, groups } = model(a.localDescription!.sdp)
    expect(media.map(({ kind, mid }) => [kind, mid])).toEqual([
      ['audio', '2'],
      ['audio', '1'],
    ])
    expect(groups[0]!.mids.toSorted()).toEqual(['1', '2'])
    expect(b.getTransceivers().map(({ mid }) => mid)).toEqual(['1', '2'])
  })

  it('share a transport once bundled', async () => {
    const [a, b] = [stillPeer({ bundlePolicy: 'max-compat' }), stillPeer()]
    a.addTrack(video())
    a.addTrack(audio())
    a.createDataChannel('x')
    await a.setLocalDescription()
    const [one, two] = a.getSenders().map(({ transport }) => transport)
    expect(one).not.toBe(null)
    expect(one).not.toBe(two)
    expect(a.sctp!.transport).not.toBe(one)
    await b.setRemoteDescription(a.localDescription!)
    await b.setLocalDescription()
    await a.setRemoteDescription(b.localDescription!)
    for (const { transport } of [...a.getSenders(), ...a.getReceivers()]) expect(transport).toBe(one)
    expect(a.sctp!.transport).toBe(one)
    expect(two!.state).toBe('closed')
    expect(new Set(b.getSenders().map(({ transport }) => transport)).size).toBe(1)
  })

  it('keep transports of their own with a peer that does not bundle', async () => {
    const [a, b] = [stillPeer({ bundlePolicy: 'max-compat' }), stillPeer()]
    a.addTrack(video())
    a.addTrack(audio())
    await a.setLocalDescription()
    const sdp = a.localDescription!.sdp.replace(/a=group:BUNDLE.*\r\n/, '')
    await b.setRemoteDescription({ type: 'offer', sdp })
    await b.setLocalDescription()
    await a.setRemoteDescription(b.localDescription!)
    expect(new Set(a.getSenders().map(({ transport }) => transport)).size).toBe(2)
    expect(new Set(b.getSenders().map(({ transport }) => transport)).size).toBe(2)
  })
})

describe('rollback of media', () => {
  it('of our offer gives transceivers back without a section', async () => {
    const pc = stillPeer()
    pc.addTrack(video())
    await pc.setLocalDescription()
    const [transceiver] = pc.getTransceivers()
    expect(transceiver!.mid).toBe('0')
    await pc.setLocalDescription({ type: 'rollback' })
    expect(pc.getTransceivers()).toEqual([transceiver])
    expect(transceiver).toMatchObject({ mid: null, direction: 'sendrecv' })
    expect(transceiver!.sender.transport).toBe(null)
  })

  it('of the peer’s offer removes what it brought, with its track', async () => {
    const [a, b] = [stillPeer(), stillPeer()]
    const stream = new MediaStream()
    a.addTrack(video(), stream)
    await a.setLocalDescription()
    const event = once<RTCTrackEvent>(b, 'track')
    await b.setRemoteDescription(a.localDescription!)
    const { track, streams } = await event
    const ended = once(track, 'ended')
    await b.setRemoteDescription({ type: 'rollback' })
    await ended
    expect(b.getTransceivers()).toEqual([])
    expect(streams[0]!.getTracks()).toEqual([])
  })

  it('of the peer’s offer keeps a transceiver that addTrack has used since', async () => {
    const [a, b] = [stillPeer(), stillPeer()]
    a.addTrack(video())
    await a.setLocalDescription()
    await b.setRemoteDescription(a.localDescription!)
    const sender = b.addTrack(video())
    const [transceiver] = b.getTransceivers()
    expect(transceiver!.sender).toBe(sender)
    await b.setRemoteDescription({ type: 'rollback' })
    expect(b.getTransceivers()).toEqual([transceiver])
    expect(transceiver!.mid).toBe(null)
  })

  it('keeps what was agreed on before', async () => {
    const [a, b] = [stillPeer(), stillPeer()]
    a.addTrack(video())
    await negotiate(a, b)
    const [transceiver] = a.getTransceivers()
    transceiver!.direction = 'recvonly'
    a.addTrack(audio())
    await a.setLocalDescription()
    await a.setLocalDescription({ type: 'rollback' })
    expect(transceiver).toMatchObject({ mid: '0', direction: 'recvonly', currentDirection: 'sendonly' })
    expect(transceiver!.sender.transport).not.toBe(null)
    expect(a.getTransceivers()[1]!.mid).toBe(null)
  })
})

describe('rollback of an offer that takes something away', () => {
  it('gives a track its stream back, and tells of it', async () => {
    const [a, b] = [stillPeer(), stillPeer()]
    const sender = a.addTrack(video(), new MediaStream())
    const first = once<RTCTrackEvent>(b, 'track')
    await negotiate(a, b)
    const { track, streams } = await first
    a.removeTrack(sender)
    await a.setLocalDescription()
    await b.setRemoteDescription(a.localDescription!)
    expect(streams[0]!.getTracks()).toEqual([])
    const again = once<RTCTrackEvent>(b, 'track')
    await b.setRemoteDescription({ type: 'rollback' })
    expect((await again).track).toBe(track)
    expect(streams[0]!.getTracks()).toEqual([track])
  })

  it('gives a sender its layers back', async () => {
    const [a, b] = [stillPeer(), stillPeer()]
    const { sender } = a.addTransceiver(video(), { sendEncodings: [{ rid: 'l' }, { rid: 'h' }] })
    await negotiate(a, b)
    await b.setLocalDescription(await b.createOffer())
    const plain = b.localDescription!.sdp.replace(/a=(simulcast|rid):.*\r\n/g, '')
    await a.setRemoteDescription({ type: 'offer', sdp: plain })
    expect(sender.getParameters().encodings.map(({ rid }) => rid)).toEqual(['l'])
    await a.setRemoteDescription({ type: 'rollback' })
    expect(sender.getParameters().encodings.map(({ rid }) => rid)).toEqual(['l', 'h'])
  })
})

describe('RTCRtpSender', () => {
  it('shows what was negotiated', async () => {
    const [a, b] = [stillPeer(), stillPeer()]
    const sender = a.addTrack(video())
    expect(sender.getParameters().codecs).toEqual([])
    await negotiate(a, b)
    const { codecs, headerExtensions, rtcp, encodings } = sender.getParameters()
    expect(codecs[0]).toEqual({ payloadType: 96, mimeType: 'video/VP8', clockRate: 90000 })
    expect(codecs[1]).toEqual({ payloadType: 97, mimeType: 'video/rtx', clockRate: 90000, sdpFmtpLine: 'apt=96' })
    expect(headerExtensions.map(({ uri }) => uri)).toContain('urn:ietf:params:rtp-hdrext:sdes:mid')
    expect(rtcp).toMatchObject({ reducedSize: true })
    expect(encodings).toMatchObject([{ active: true }])
  })

  it('changes what may change, within the task of getParameters', async () => {
    const sender = stillPeer().addTrack(video())
    const parameters = sender.getParameters()
    parameters.encodings[0]!.maxBitrate = 500_000
    parameters.encodings[0]!.active = false
    await sender.setParameters(parameters)
    expect(sender.getParameters().encodings[0]).toMatchObject({ maxBitrate: 500_000, active: false })
  })

  it.each([
    ['another transaction', (p: RTCRtpSendParameters) => (p.transactionId += 'x'), 'InvalidModificationError'],
    ['another number of encodings', (p: RTCRtpSendParameters) => p.encodings.push({}), 'InvalidModificationError'],
    ['a rid', (p: RTCRtpSendParameters) => (p.encodings[0]!.rid = 'x'), 'InvalidModificationError'],
    [
      'the codecs',
      (p: RTCRtpSendParameters) => p.codecs.push({ mimeType: 'video/x', clockRate: 1, payloadType: 1 }),
      'InvalidModificationError',
    ],
    ['scaling up', (p: RTCRtpSendParameters) => (p.encodings[0]!.scaleResolutionDownBy = 0.1), 'RangeError'],
    ['nothing at all', (p: RTCRtpSendParameters) => (p.encodings = undefined as never), 'TypeError'],
  ])('refuses to change %s', async (_what, change, error) => {
    const sender = stillPeer().addTrack(video())
    const parameters = sender.getParameters()
    change(parameters as never)
    expect(await rejection(sender.setParameters(parameters))).toBe(error)
  })

  it('refuses parameters of an earlier task', async () => {
    const sender = stillPeer().addTrack(video())
    const parameters = sender.getParameters()
    await sender.setParameters(parameters)
    expect(await rejection(sender.setParameters(parameters))).toBe('InvalidStateError')
  })

  it('replaces its track without negotiation', async () => {
    const pc = stillPeer()
    const sender = pc.addTrack(video())
    const other = video()
    await sender.replaceTrack(other)
    expect(sender.track).toBe(other)
    await sender.replaceTrack(null)
    expect(sender.track).toBe(null)
    expect(await rejection(sender.replaceTrack(audio()))).toBe('TypeError')
    pc.getTransceivers()[0]!.stop()
    expect(await rejection(sender.replaceTrack(other))).toBe('InvalidStateError')
  })

  it('knows what there is to send', () => {
    expect(RTCRtpSender.getCapabilities('data')).toBe(null)
    const { codecs, headerExtensions } = RTCRtpSender.getCapabilities('audio')!
    expect(codecs[0]).toEqual({
      mimeType: 'audio/opus',
      clockRate: 48000,
      channels: 2,
      sdpFmtpLine: 'minptime=10;useinbandfec=1',
    })
    expect(headerExtensions.length).toBeGreaterThan(3)
    expect(
      RTCRtpSender.getCapabilities('video')!.codecs.filter(({ mimeType }) => mimeType === 'video/rtx'),
    ).toHaveLength(1)
  })
})

describe('legacy offerToReceive…', () => {
  it('makes transceivers that receive, and takes the direction from those there are', async () => {
    const pc = stillPeer()
    const { sdp } = await pc.createOffer({ offerToReceiveAudio: true, offerToReceiveVideo: true })
    expect(model(sdp).media.map(({ kind, direction }) => [kind, direction])).toEqual([
      ['audio', 'recvonly'],
      ['video', 'recvonly'],
    ])
    await pc.createOffer({ offerToReceiveVideo: false })
    expect(pc.getTransceivers()[1]!.direction).toBe('inactive')
  })
})
