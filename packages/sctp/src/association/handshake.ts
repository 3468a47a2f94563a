import { SctpError } from '../errors.ts'
import { encodeAbort, encodeError } from '../packet/abort.ts'
import { encodeCookieAck, encodeCookieEcho } from '../packet/cookie.ts'
import { encodeInit } from '../packet/init.ts'
import type { InitChunk } from '../packet/init.ts'
import { encodeShutdownAck } from '../packet/shutdown.ts'
import { INIT, INIT_ACK } from '../packet/types.ts'
import { encodeCapabilities, parseInitParameters } from '../parameter/capabilities.ts'
import type { InitParameters } from '../parameter/capabilities.ts'
import {
  COOKIE_RECEIVED_WHILE_SHUTTING_DOWN,
  INVALID_MANDATORY_PARAMETER,
  missingMandatoryParameter,
  plainCause,
  staleCookie,
  UNRESOLVABLE_ADDRESS,
  unrecognizedParameters,
} from '../parameter/cause.ts'
import { encodeParameter, joinParameters, STATE_COOKIE, UNRECOGNIZED_PARAMETER } from '../parameter/parameter.ts'
import type { Core } from './core.ts'
import { encodeStateCookie, parseStateCookie } from './state-cookie.ts'
import type { StateCookie } from './state-cookie.ts'

/** RFC 9260 §3.3.2: no window may be below this. */
const MIN_WINDOW = 1500

/**
 * Setting an association up (RFC 9260 §5): INIT, INIT ACK, COOKIE ECHO, COOKIE ACK, from either side or from both at once (§5.2.1),
 * and once more when the peer has restarted (§5.2.2).
 */
export class Handshake {
  /** When T1-init or T1-cookie runs out, absolute ms. */
  deadline: number = Infinity
  /** The COOKIE ECHO to put first into the next packet. Until it is answered nothing else may be sent (§5.1 C). */
  cookieEcho: Uint8Array | undefined
  private readonly core: Core
  /** Called when the association is established, and when it is after a restart of the peer. */
  private readonly onEstablished: (now: number, restarted: boolean) => void
  private attempts = 0
  /** Cookies of the peer's that it found stale. */
  private staleCookies = 0
  private sentAt = 0
  private sentCookie: Uint8Array | undefined

  constructor(core: Core, onEstablished: (now: number, restarted: boolean) => void) {
    this.core = core
    this.onEstablished = onEstablished
  }

  /** Sends the INIT (§5.1 A). */
  connect(now: number): void {
    const { core } = this
    core.localTag = core.randomTag()
    core.localInitialTsn = core.random32()
    core.peerTag = 0
    core.enter('cookie-wait')
    this.attempts = 0
    this.staleCookies = 0
    this.sendInit(now)
  }

  /** T1 ran out: once more, more slowly (§4 notes 2 and 3). */
  onTime(now: number): void {
    if (now < this.deadline) return
    const { core } = this
    this.attempts++
    if (this.attempts > core.settings.maxInitRetransmissions) {
      this.deadline = Infinity
      core.fail(new SctpError('ERR_SCTP_TIMEOUT', `No answer to ${this.attempts} attempts to set the association up`))
    } else if (core.state === 'cookie-wait') {
      this.sendInit(now)
    } else {
      this.cookieEcho = this.sentCookie
      this.arm(now)
    }
  }

  /** The path has come back: no need to wait. */
  hurry(now: number): void {
    if (this.deadline !== Infinity) this.deadline = now
  }

  /** An INIT, in any state (§5.1 B, §5.2.1, §5.2.2). */
  onInit(init: InitChunk, now: number): void {
    const { core } = this
    // §3.3.2: a tag of 0 is not answered at all.
    if (init.initiateTag === 0 || core.ended) {
      core.stats.dropped.unexpectedChunk++
      return
    }
    if (core.state === 'shutdown-ack-sent') {
      // §9.2: the SHUTDOWN COMPLETE was lost and the peer wants to begin anew.
      core.sendControl(encodeShutdownAck())
      return
    }
    if (core.packetsFull) {
      // A flood: no cookie is signed that nobody will see.
      core.stats.dropped.limit++
      return
    }
    const parameters = parseInitParameters(init.parameters)
    if (
      parameters === undefined ||
      init.outboundStreams === 0 ||
      init.inboundStreams === 0 ||
      init.receiverWindow < MIN_WINDOW
    ) {
      core.stats.dropped.malformedChunk++
      this.refuseInit(init, plainCause(INVALID_MANDATORY_PARAMETER))
      return
    }
    if (parameters.hostName !== undefined) {
      this.refuseInit(init, plainCause(UNRESOLVABLE_ADDRESS, parameters.hostName))
      return
    }
    // In a collision both INITs belong to the same association and get the same answer; later ones may be a restart.
    const colliding = core.state === 'cookie-wait' || core.state === 'cookie-echoed'
    const localTag = colliding ? core.localTag : core.randomTag()
    const localInitialTsn = colliding ? core.localInitialTsn : core.random32()
    const existing = core.state !== 'closed' && core.state !== 'cookie-wait'
    const cookie = encodeStateCookie(
      {
        createdAt: now,
        localTag,
        peerTag: init.initiateTag,
        localInitialTsn,
        peerInitialTsn: init.initialTsn,
        peerWindow: init.receiverWindow,
        peerOutboundStreams: init.outboundStreams,
        peerInboundStreams: init.inboundStreams,
        localTieTag: existing ? core.localTag : 0,
        peerTieTag: existing ? core.peerTag : 0,
        partialReliability: parameters.partialReliability,
        interleaving: parameters.interleaving,
        streamReset: parameters.streamReset,
        zeroChecksum: parameters.zeroChecksum,
      },
      core.cookieSecret,
    )
    const reply = encodeInit(INIT_ACK, {
      initiateTag: localTag,
      receiverWindow: core.initialWindow,
      outboundStreams: core.settings.outboundStreams,
      inboundStreams: core.settings.inboundStreams,
      initialTsn: localInitialTsn,
      parameters: joinParameters([
        encodeParameter(STATE_COOKIE, cookie),
        ...encodeCapabilities(core.capabilities),
        ...parameters.unrecognized.map((parameter) => encodeParameter(UNRECOGNIZED_PARAMETER, parameter)),
      ]),
    })
    core.sendPacket(init.initiateTag, reply)
  }

  /** §5.1 C. In any state but COOKIE-WAIT it is an old one (§5.2.3). */
  onInitAck(init: InitChunk, now: number): void {
    const { core } = this
    if (core.state !== 'cookie-wait') {
      core.stats.dropped.unexpectedChunk++
      return
    }
    const parameters = parseInitParameters(init.parameters)
    if (parameters === undefined || init.initiateTag === 0) {
      core.stats.dropped.malformedChunk++
      return
    }
    core.peerTag = init.initiateTag
    if (init.outboundStreams === 0 || init.inboundStreams === 0 || init.receiverWindow < MIN_WINDOW) {
      this.refuse('The INIT ACK offers no streams or no window', plainCause(INVALID_MANDATORY_PARAMETER))
    } else if (parameters.cookie === undefined) {
      this.refuse('The INIT ACK has no cookie', missingMandatoryParameter(STATE_COOKIE))
    } else if (parameters.hostName !== undefined) {
      this.refuse('The INIT ACK has a host name', plainCause(UNRESOLVABLE_ADDRESS, parameters.hostName))
    } else {
      this.echo(init, parameters, parameters.cookie, now)
    }
  }

  /** §5.1 D and §5.2.4. `tag` is the packet's verification tag. Returns whether what follows in the packet may be read. */
  onCookieEcho(value: Uint8Array, tag: number, now: number): boolean {
    const { core } = this
    const cookie = parseStateCookie(value, core.cookieSecret)
    if (cookie === undefined || tag !== cookie.localTag || core.ended) {
      core.stats.dropped.invalidCookie++
      return false
    }
    const known = core.state !== 'closed' && core.state !== 'cookie-wait'
    const sameTags = known && cookie.localTag === core.localTag && cookie.peerTag === core.peerTag
    const staleness = now - cookie.createdAt - core.settings.cookieLifetime
    // §5.2.4 step 3: for the association that exists already, age does not matter.
    if (staleness > 0 && !sameTags) {
      core.stats.dropped.staleCookie++
      core.sendPacket(cookie.peerTag, encodeError([staleCookie(staleness)]))
      return false
    }
    // In COOKIE-WAIT there is no association yet either: the cookie may be from before `connect`.
    if (core.state === 'closed' || core.state === 'cookie-wait') {
      this.accept(cookie, now)
      // From INIT ACK to COOKIE ECHO it is one round trip, unless one of them had to be sent again.
      const elapsed = now - cookie.createdAt
      if (elapsed < core.settings.rtoInitial) core.rto.measure(elapsed, now)
      this.establish(now, false)
      return true
    }
    if (cookie.localTag === core.localTag) {
      if (cookie.peerTag === core.peerTag) return this.onSameCookie(now)
      return this.onCollidingCookie(cookie, now)
    }
    // A: both tie tags are those of the association, so the peer had it and has lost it.
    const tied = cookie.localTieTag === core.localTag && cookie.peerTieTag === core.peerTag && core.peerTag !== 0
    if (cookie.peerTag !== core.peerTag && tied) return this.onRestart(cookie, now)
    // C, and everything else: an old one.
    core.stats.dropped.invalidCookie++
    return false
  }

  /** §5.1 E. */
  onCookieAck(now: number): void {
    if (this.core.state !== 'cookie-echoed') {
      this.core.stats.dropped.unexpectedChunk++
      return
    }
    if (this.attempts === 0) this.core.rto.measure(now - this.sentAt, now)
    this.establish(now, false)
  }

  /** Data from the peer before its COOKIE ACK came: it can only have sent it after it took our cookie. */
  onImpliedCookieAck(now: number): void {
    if (this.core.state === 'cookie-echoed') this.establish(now, false)
  }

  /** §5.2.6: our cookie took too long. Asks for a new one. */
  onStaleCookie(now: number): void {
    const { core } = this
    if (core.state !== 'cookie-echoed') return
    if (++this.staleCookies > core.settings.maxInitRetransmissions) {
      core.fail(new SctpError('ERR_SCTP_TIMEOUT', 'The peer finds every state cookie stale'))
      return
    }
    core.sender!.takeBack()
    core.sender = undefined
    core.receiver = undefined
    core.negotiated = undefined
    core.peerTag = 0
    this.attempts = 0
    this.cookieEcho = undefined
    core.enter('cookie-wait')
    this.sendInit(now)
  }

  private echo(init: InitChunk, parameters: InitParameters, cookie: Uint8Array, now: number): void {
    const { core } = this
    if (this.attempts === 0) core.rto.measure(now - this.sentAt, now)
    core.agree(
      {
        localTag: core.localTag,
        peerTag: init.initiateTag,
        localInitialTsn: core.localInitialTsn,
        peerInitialTsn: init.initialTsn,
        peerWindow: init.receiverWindow,
        peerOutboundStreams: init.outboundStreams,
        peerInboundStreams: init.inboundStreams,
        peer: parameters,
      },
      now,
    )
    core.enter('cookie-echoed')
    this.sentCookie = encodeCookieEcho(cookie)
    this.cookieEcho = this.sentCookie
    this.attempts = 0
    this.arm(now)
    if (parameters.unrecognized.length > 0) core.sendError([unrecognizedParameters(parameters.unrecognized)])
  }

  /** D: it is what we have, the COOKIE ACK was lost, or both sides echo at once. */
  private onSameCookie(now: number): boolean {
    const { core } = this
    if (core.state === 'cookie-echoed') this.establish(now, false)
    core.sendControl(encodeCookieAck())
    return true
  }

  /** B: both sides sent an INIT at once, and the peer's tag in our INIT ACK's cookie is the one that counts. */
  private onCollidingCookie(cookie: StateCookie, now: number): boolean {
    const { core } = this
    // Its former self had answered us until the association stood; its TSNs are others now, not the tag alone (§5.2.4 B).
    if (core.state !== 'cookie-echoed') return this.onRestart(cookie, now)
    // What went with our COOKIE ECHO was for an association that is not to be.
    core.sender!.takeBack()
    this.accept(cookie, now)
    this.establish(now, false)
    return true
  }

  /** A: the peer has restarted. What it does not know of any more is lost. */
  private onRestart(cookie: StateCookie, now: number): boolean {
    const { core } = this
    if (core.state === 'shutdown-ack-sent') {
      core.sendControl(encodeShutdownAck())
      core.sendError([plainCause(COOKIE_RECEIVED_WHILE_SHUTTING_DOWN)])
      return false
    }
    core.stats.restarts++
    core.queue.clear()
    core.control.clear()
    core.events.push({ type: 'restarted' })
    this.accept(cookie, now)
    this.establish(now, true)
    return true
  }

  private accept(cookie: StateCookie, now: number): void {
    const { core } = this
    core.agree(
      {
        localTag: cookie.localTag,
        peerTag: cookie.peerTag,
        localInitialTsn: cookie.localInitialTsn,
        peerInitialTsn: cookie.peerInitialTsn,
        peerWindow: cookie.peerWindow,
        peerOutboundStreams: cookie.peerOutboundStreams,
        peerInboundStreams: cookie.peerInboundStreams,
        peer: cookie,
      },
      now,
    )
    core.sendControl(encodeCookieAck())
  }

  private establish(now: number, restarted: boolean): void {
    this.deadline = Infinity
    this.cookieEcho = undefined
    this.sentCookie = undefined
    this.onEstablished(now, restarted)
  }

  /** §8.4 rule 3: the tag is the one that the peer expects, hence no T bit. */
  private refuseInit(init: InitChunk, cause: Uint8Array): void {
    this.core.sendPacket(init.initiateTag, encodeAbort([cause], false))
  }

  private refuse(reason: string, cause: Uint8Array): void {
    this.core.abortWith(new SctpError('ERR_SCTP_PROTOCOL_VIOLATION', reason), cause)
  }

  private sendInit(now: number): void {
    const { core } = this
    core.sendPacket(
      0,
      encodeInit(INIT, {
        initiateTag: core.localTag,
        receiverWindow: core.initialWindow,
        outboundStreams: core.settings.outboundStreams,
        inboundStreams: core.settings.inboundStreams,
        initialTsn: core.localInitialTsn,
        parameters: joinParameters(encodeCapabilities(core.capabilities)),
      }),
    )
    this.arm(now)
  }

  private arm(now: number): void {
    const { settings } = this.core
    this.sentAt = now
    this.deadline = now + Math.min(settings.rtoMax, this.core.rto.value * 2 ** this.attempts)
  }
}
