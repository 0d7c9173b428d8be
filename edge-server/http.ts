import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { listen } from './broker/embedded.ts'

export interface HttpOptions {
  readonly host: string
  readonly port: number
  /** Why the server is not ready for requests; undefined when it is. */
  readonly notReady: () => string | undefined
  readonly metrics: () => Promise<string>
}

/** `/healthz` (the process is alive), `/readyz` (requests will be answered) and `/metrics` for Prometheus. */
export class HttpEndpoint {
  readonly port: number
  readonly #server: Server

  private constructor(server: Server) {
    this.#server = server
    this.port = (server.address() as AddressInfo).port
  }

  /** Listens. Throws PORT_IN_USE or BAD_ADDRESS. */
  static async open({ host, port, notReady, metrics }: HttpOptions): Promise<HttpEndpoint> {
    const server = createServer({ requestTimeout: 10_000 }, (request, response) => {
      const say = (status: number, text: string, type = 'text/plain; charset=utf-8') =>
        response.writeHead(status, { 'content-type': type, 'cache-control': 'no-store' }).end(text)
      const path = request.url?.split('?')[0]
      if (request.method !== 'GET' && request.method !== 'HEAD') return say(405, 'GET only\n')
      if (path === '/healthz') return say(200, 'ok\n')
      if (path === '/readyz') {
        const reason = notReady()
        return reason === undefined ? say(200, 'ready\n') : say(503, `${reason}\n`)
      }
      if (path === '/metrics') {
        metrics().then(
          (text) => say(200, text, 'text/plain; version=0.0.4; charset=utf-8'),
          () => say(500, 'The metrics cannot be read\n'),
        )
        return
      }
      return say(404, 'There is /healthz, /readyz and /metrics\n')
    })
    server.maxConnections = 100
    await listen(server, host, port, 'httpPort')
    return new HttpEndpoint(server)
  }

  close(): Promise<void> {
    return new Promise((resolve) => {
      this.#server.close(() => resolve())
      this.#server.closeAllConnections()
    })
  }
}
