import { StunError } from './error.ts'

// What RFC 8264 §9 calls OldHangulJamo: conjoining jamo, which normalization would have composed.
const oldHangulJamo = /[\u1100-\u11ff\ua960-\ua97f\ud7b0-\ud7ff]/u

// RFC 8264 §9.13–9.16 and the "everything else" of §8: not in the FreeformClass. Join controls (§9.8) are taken out first.
const disallowed = /[\p{Cc}\p{Cs}\p{Co}\p{Cn}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/u
const joinControls = /[\u200c\u200d]/gu

/**
 * The OpaqueString profile of RFC 8265 §4.2, enforced: other spaces become U+0020, and the text is put in form NFC; case and
 * width stay. Context rules (RFC 5892 appendix A) are not applied: the characters that have one are let through.
 * @throws StunError `ERR_STUN_CREDENTIALS` for an empty string, controls, unassigned and invisible characters.
 */
export function opaqueString(text: string): string {
  if (/^[\x20-\x7e]+$/.test(text)) return text
  const prepared = text.replace(/\p{Zs}/gu, ' ').normalize('NFC')
  const checked = prepared.replace(joinControls, '')
  if (prepared === '' || disallowed.test(checked) || oldHangulJamo.test(checked)) {
    throw new StunError(
      'ERR_STUN_CREDENTIALS',
      'a username, realm or password has characters that OpaqueString forbids',
    )
  }
  return prepared
}

// RFC 3454 tables C.1.2 (minus U+0020) and B.1.
const otherSpaces = /[\u00a0\u1680\u2000-\u200b\u202f\u205f\u3000]/gu
const mappedToNothing = /[\u00ad\u1806\u200b-\u200d\u2060\ufeff\p{Variation_Selector}]|\u034f/gu

// RFC 3454 tables C.2 to C.9, as RFC 4013 §2.3 lists them; noncharacters are \p{Cn}, which also holds table A.1's unassigned ones.
const prohibited =
  /[\p{Cc}\p{Cs}\p{Co}\p{Cn}\u06dd\u070f\u180e\u200e\u200f\u2028-\u202e\u2061-\u2063\u206a-\u206f\u2ff0-\u2ffb\ufff9-\ufffd\u{1d173}-\u{1d17a}\u{e0001}\u{e0020}-\u{e007f}]|[\u0340\u0341]/u

/**
 * SASLprep (RFC 4013), which RFC 5389 used where RFC 8489 uses OpaqueString: for servers that still do. Bidirectional checks
 * (RFC 3454 §6) are not applied, and "unassigned" means unassigned in the platform's Unicode, not in Unicode 3.2.
 * @throws StunError `ERR_STUN_CREDENTIALS` for prohibited characters.
 */
export function saslPrep(text: string): string {
  if (/^[\x20-\x7e]*$/.test(text)) return text
  const prepared = text.replace(otherSpaces, ' ').replace(mappedToNothing, '').normalize('NFKC')
  if (prohibited.test(prepared)) {
    throw new StunError('ERR_STUN_CREDENTIALS', 'a username, realm or password has characters that SASLprep forbids')
  }
  return prepared
}
