/** What Web IDL (https://webidl.spec.whatwg.org/#interface-object) asks of an interface and a class does not do by itself. */
import { defineEventHandlers } from './event-handlers.ts'

export interface InterfaceOptions {
  /** Types of the events that have a handler attribute: `open` for `onopen`. */
  readonly handlers?: readonly string[]
  /** Scripts cannot construct it: its constructor takes nothing, as far as they can see. */
  readonly isInternal?: boolean
}

/**
 * Makes the attributes, methods and static methods of a class enumerable, with the name in `Symbol.toStringTag` and event handler
 * attributes beside them.
 */
export function defineInterface(
  target: { readonly prototype: object },
  name: string,
  { handlers = [], isInternal = false }: InterfaceOptions = {},
): void {
  for (const key of Object.getOwnPropertyNames(target.prototype)) {
    if (key !== 'constructor') Object.defineProperty(target.prototype, key, { enumerable: true })
  }
  for (const key of Object.getOwnPropertyNames(target)) {
    if (!['length', 'name', 'prototype'].includes(key)) Object.defineProperty(target, key, { enumerable: true })
  }
  Object.defineProperty(target.prototype, Symbol.toStringTag, { configurable: true, value: name })
  if (handlers.length > 0) defineEventHandlers(target.prototype as EventTarget, handlers)
  if (isInternal) Object.defineProperty(target, 'length', { configurable: true, value: 0 })
}
