import { formatTransportAddress } from '../address.ts'
import type { NatDoubt, NatDoubtReason, NatReport, NatTopic } from '../driver/index.ts'

// What a person wants to know of a `NatReport`: what it is, and with whom direct connections will work.

const FOOTNOTE = 'NATs change their mind: this is how it was just now, between this machine and these servers.'

/** The whole report as text, lines ended. */
export function readableNat(report: NatReport): string {
  const rows = facts(report).map(([name, value]) => `${`${name}:`.padEnd(16)}${value}\n`)
  const doubts = doubtSentences(report.doubts)
  const paragraphs = [sentences(report).join(' '), doubts.join(' '), report.udp === 'open' ? FOOTNOTE : '']
  return rows.join('') + paragraphs.map((text) => (text === '' ? '' : `\n${wrap(text)}\n`)).join('')
}

/** The report with what it means in words; what is not known is null. */
export function jsonNat(report: NatReport): string {
  const whole = { ...report, summary: sentences(report).join(' ') }
  return JSON.stringify(whole, (_key, value: unknown) => value ?? null) + '\n'
}

function facts(report: NatReport): [string, string][] {
  const { mappedAddress, localAddress, bindingLifetime } = report
  const rows: [string, string][] = []
  if (mappedAddress !== undefined) rows.push(['mapped address', formatTransportAddress(mappedAddress)])
  if (localAddress !== undefined) rows.push(['local address', formatTransportAddress(localAddress)])
  for (const { server, endpoint, mappedAddress: mapped, otherAddress } of report.servers) {
    const where = endpoint === undefined ? 'no address' : formatTransportAddress(endpoint)
    const other = otherAddress === undefined ? '' : `, also ${formatTransportAddress(otherAddress)}`
    const what = endpoint !== undefined && mapped === undefined ? ', no answer over UDP' : ''
    rows.push(['server', server === where ? where + other + what : `${server} (${where}${other}${what})`])
  }
  if (report.udp !== 'open') return rows
  rows.push(['mapping', report.mapping === 'none' ? 'none: there is no NAT' : report.mapping])
  rows.push(['filtering', report.filtering])
  if (report.mapping !== 'none') {
    rows.push(['hairpinning', yesOrNo(report.hairpinning)], ['ports kept', yesOrNo(report.portPreservation)])
  }
  if (bindingLifetime !== undefined) rows.push(['lifetime', lifetimeText(bindingLifetime)])
  return rows
}

function yesOrNo(value: boolean | undefined): string {
  return value === undefined ? 'unknown' : value ? 'yes' : 'no'
}

function lifetimeText({ atLeast, below }: NonNullable<NatReport['bindingLifetime']>): string {
  if (below === undefined) return `at least ${atLeast / 1000} s without traffic`
  return `from ${atLeast / 1000} to ${below / 1000} s without traffic`
}

function sentences(report: NatReport): string[] {
  if (report.udp === 'blocked') {
    return [
      'UDP is blocked: the server answers over TCP, and over UDP it does not.',
      'Direct connections will not work with anybody but hosts of your own network; a relay (TURN) works if it is reached over TCP or TLS.',
    ]
  }
  if (report.udp === 'silent') {
    const isOne = report.servers.length === 1
    const who = isOne ? 'The server does not answer' : 'None of the servers answers'
    return [
      `${who}, neither over UDP nor over TCP: ${isOne ? 'it is' : 'they are'} down, or a firewall stops both.`,
      'If others get an answer there, UDP is blocked here: then direct connections will not work, and a relay (TURN) has to be reached over TLS on port 443.',
    ]
  }
  return [...natSentences(report), directSentence(report), ...extraSentences(report)]
}

function natSentences({ mapping, filtering }: NatReport): string[] {
  const lets = {
    'endpoint-independent': 'lets in packets from anybody',
    'address-dependent': 'lets in packets from addresses that you have sent something to',
    'address-and-port-dependent': 'lets in packets only from an address and port that you have sent something to',
    unknown: '',
  }[filtering]
  const it = lets === '' ? '' : `It ${lets}.`
  switch (mapping) {
    case 'none':
      if (filtering === 'unknown') return ['There is no NAT; whether a firewall is in the way is not known.']
      if (filtering === 'endpoint-independent')
        return ['There is no NAT and no firewall in the way: anybody reaches you.']
      return [`There is no NAT, but a firewall: it ${lets}.`]
    case 'endpoint-independent':
      return ['Your NAT gives a local port one public port, whoever you talk to (endpoint-independent mapping).', it]
    case 'address-dependent':
      return [
        'Your NAT gives a local port another public port for every address that you talk to (address-dependent mapping).',
        it,
      ]
    case 'address-and-port-dependent':
      return [
        'Your NAT gives a local port another public port for every address and port that you talk to (address-and-port-dependent mapping, a "symmetric" NAT).',
        it,
      ]
    case 'endpoint-dependent':
      return ['Your NAT gives a local port another public port depending on whom you talk to (a "symmetric" NAT).', it]
    case 'unknown':
      return ['You are behind a NAT, and of which kind could not be found out.', it]
  }
}

/** Hole punching as ICE does it: what one side has to know of the other's port beforehand, and what its filter lets in. */
function directSentence({ mapping, filtering }: NatReport): string {
  if (mapping === 'unknown') return 'Direct connections may work or not; have a relay (TURN) at hand.'
  if (mapping === 'none' || mapping === 'endpoint-independent') {
    const easy = 'Direct connections work with everybody who has no NAT or one of this kind, as most home routers are;'
    if (filtering === 'endpoint-independent' || filtering === 'address-dependent') {
      return `${easy} and also with those behind a symmetric NAT, as in many mobile and company networks.`
    }
    if (filtering === 'unknown') {
      return `${easy} with those behind a symmetric NAT, as in many mobile and company networks, perhaps not: they may need a relay (TURN).`
    }
    return `${easy} not with those behind a symmetric NAT, as in many mobile and company networks: they need a relay (TURN).`
  }
  return 'Direct connections work only with people who can be reached by packets from a port that they do not expect: those without a firewall, or with a NAT that is not strict about ports. Most home routers are, and another symmetric NAT hardly ever works: have a relay (TURN) at hand.'
}

function extraSentences({ hairpinning, rewritesPayload, bindingLifetime }: NatReport): string[] {
  const texts: string[] = []
  if (hairpinning === false) {
    texts.push('Two programs behind this NAT do not reach each other by their public addresses, only by local ones.')
  }
  if (rewritesPayload === true) texts.push('Something on the way rewrites addresses within packets.')
  if (bindingLifetime?.below !== undefined) {
    texts.push(`A connection without traffic is forgotten in less than ${bindingLifetime.below / 1000} s.`)
  }
  return texts
}

const TOPICS: Record<NatTopic, string> = {
  mapping: 'the mapping',
  filtering: 'the filtering',
  hairpinning: 'hairpinning',
  portPreservation: 'whether ports are kept',
  bindingLifetime: 'the lifetime of mappings',
}

const REASONS: Record<NatDoubtReason, string> = {
  'udp-blocked': 'nobody answers over UDP',
  'no-other-address': 'this needs a server with a second address (RFC 5780), which most public ones do not have',
  'other-address-unusable': 'the server names a second address that cannot be used',
  'other-address-silent': 'the second address of the server does not answer',
  'answers-missing': 'the server stopped answering',
  contradiction: 'the server gave different answers to one question: the NAT has just changed, or the server is wrong',
  'change-ignored': 'the server does not answer from its second address when asked to',
  'no-response-port': 'the server does not answer to another port when asked to',
  mapping: 'this kind of mapping does not allow the test',
}

/** One sentence for each reason. */
function doubtSentences(doubts: readonly NatDoubt[]): string[] {
  const byReason = new Map<NatDoubtReason, string[]>()
  for (const { topic, reason } of doubts) {
    if (reason === 'udp-blocked') continue // said already
    byReason.set(reason, [...(byReason.get(reason) ?? []), TOPICS[topic]])
  }
  return [...byReason].map(([reason, topics]) => `Not found out: ${topics.join(', ')}; ${REASONS[reason]}.`)
}

/** Lines of at most 80 characters. */
function wrap(text: string): string {
  const lines: string[] = []
  let line = ''
  for (const word of text.split(' ').filter((part) => part !== '')) {
    if (line !== '' && line.length + 1 + word.length > 80) {
      lines.push(line)
      line = ''
    }
    line += line === '' ? word : ` ${word}`
  }
  return [...lines, line].join('\n')
}
