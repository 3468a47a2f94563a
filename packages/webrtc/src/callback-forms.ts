/** The two shapes of the operations of `RTCPeerConnection`: with a promise, and with callbacks (W3C WebRTC 1.0 §4.4.3). */
import { toCallback } from './webidl.ts'

export type ErrorCallback = (error: DOMException) => void

/**
 * A candidate that comes too late is no reason to end the process, as an unhandled rejection does in Node. The chain's
 * steps react to the promise (§4.4.1.2), by which it counts as handled in browsers, too.
 */
function handled<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => {})
  return promise
}

/** Web IDL: an operation that returns a promise never throws, not even when it is called on something else. */
export function settle<T>(operation: () => Promise<T>): Promise<T> {
  try {
    return handled(operation())
  } catch (error) {
    return handled(Promise.reject<T>(error as Error))
  }
}

/** §4.4.3: the callback forms settle at once and tell through the callbacks. */
export function legacy<T>(
  operation: () => Promise<T>,
  success: ((value: T) => void) | undefined,
  failure: ErrorCallback | undefined,
): Promise<void> {
  const onSuccess = toCallback(success, 'successCallback')
  const onFailure = toCallback(failure, 'failureCallback')
  operation().then(onSuccess, onFailure)
  return Promise.resolve()
}

/** One argument and a promise, or three with two callbacks. */
export function overloaded(
  length: number,
  operation: () => Promise<void>,
  success: (() => void) | undefined,
  failure: ErrorCallback | undefined,
): Promise<void> {
  if (length < 2) return operation()
  if (length === 2) throw new TypeError('1 or 3 arguments are needed, there are 2')
  return legacy(operation, success, failure)
}
