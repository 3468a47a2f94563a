export {
  type Endpoint,
  formatAddress,
  formatTransportAddress,
  parseAddress,
  parseTransportAddress,
  type TransportAddress,
  transportAddress,
} from './address.ts'
export type { Attribute } from './attribute.ts'
export { attribute, type Attributes, iceAttributes, stunAttributes } from './attributes.ts'
export { createTransactionId, MessageBuilder } from './builder.ts'
export { StunError, type StunErrorCode } from './error.ts'
export { checkFingerprint, checkIntegrity, IntegrityKey } from './integrity.ts'
export { longTermKey, passwordAlgorithms, shortTermKey, userhash } from './keys.ts'
export { decodeMessage, isStunMessage, StunMessage, transactionKey } from './message.ts'
export { type MessageClass, methods, reasonPhrases } from './numbers.ts'
export type { ErrorCode, PasswordAlgorithm } from './structured.ts'
export { StunFramer } from './framer.ts'
export { StunTransaction, type StunTransactionEvent, type StunTransactionOptions } from './transaction.ts'
export { RetransmissionTimeout } from './rto.ts'
export { formatStunUri, parseHostPort, parseStunUri, type StunUri } from './uri.ts'
export {
  type AuthenticatedRequest,
  type ClientCredentials,
  LongTermCredentials,
  ShortTermCredentials,
} from './client-credentials.ts'
export {
  type AccessTokens,
  type Authentication,
  type Authenticator,
  LongTermAuthenticator,
  type LongTermAuthenticatorOptions,
  type Passwords,
  ShortTermAuthenticator,
} from './server-credentials.ts'
export { RateLimit } from './rate-limit.ts'
export { type BindingAnswer, type BindingArrival, type BindingOrigins, BindingServer } from './binding-server.ts'
