/**
 * Event handler attributes (`onopen` and its like) for a class that extends the platform's `EventTarget`
 * (https://html.spec.whatwg.org/#event-handler-attributes): the handler takes its place among the listeners when it is
 * first set, and keeps that place when it is replaced.
 */

type AnyHandler = (this: EventTarget, event: Event) => unknown

interface Slot {
  handler: AnyHandler | null
  readonly listener: (event: Event) => void
}

/** Defines `on<type>` for each of `types` on a prototype. */
export function defineEventHandlers(prototype: EventTarget, types: readonly string[]): void {
  for (const type of types) {
    const slots = new WeakMap<EventTarget, Slot>()
    Object.defineProperty(prototype, `on${type}`, {
      configurable: true,
      enumerable: true,
      get(this: EventTarget): AnyHandler | null {
        return slots.get(this)?.handler ?? null
      },
      set(this: EventTarget, value: unknown) {
        const handler =
          typeof value === 'function' || (typeof value === 'object' && value !== null) ? (value as AnyHandler) : null
        const slot = slots.get(this)
        if (slot !== undefined) {
          // Removing the handler also gives up its place: the next one set is a new listener.
          if (handler === null) {
            slots.delete(this)
            this.removeEventListener(type, slot.listener)
          } else {
            slot.handler = handler
          }
          return
        }
        if (handler === null) return
        const made: Slot = {
          handler,
          listener: (event) => {
            if (typeof made.handler === 'function' && made.handler.call(this, event) === false) event.preventDefault()
          },
        }
        slots.set(this, made)
        this.addEventListener(type, made.listener)
      },
    })
  }
}
