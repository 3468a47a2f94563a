import type { TcpConnection } from '@kaon/net'

/**
 * Joins two connections: what one says is said by the other, no faster than it is heard, and each may end before the other does.
 * `onend` is called once, when either is closed.
 */
export function splice(left: TcpConnection, right: TcpConnection, onend: () => void): void {
  let over = false
  const pipe = (from: TcpConnection, to: TcpConnection): void => {
    from.ondata = (data) => {
      if (!to.write(data)) from.pause()
    }
    to.ondrain = () => from.resume()
    from.onend = () => to.end()
    from.onclose = (error) => {
      if (over) return
      over = true
      // What was said before a clean end still goes out.
      if (error === undefined) to.end()
      else to.close()
      onend()
    }
  }
  pipe(left, right)
  pipe(right, left)
}
