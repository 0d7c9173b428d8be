import { parentPort } from 'node:worker_threads'
import { ShardWork } from './shard.ts'
import type { ShardMessage, ShardReply } from './shard-threads.ts'

// The entry of a thread that works on shards: it is told a market, then what to do with which clusters of it.
const port = parentPort!
let work: ShardWork | undefined

port.on('message', (message: ShardMessage) => {
  if ('state' in message) {
    work = undefined
    try {
      work = new ShardWork(message.state)
    } catch (error) {
      port.postMessage({ failure: String(error) } satisfies ShardReply)
    }
    return
  }
  try {
    const answers = message.shards.map((shard) => work![message.task](shard))
    port.postMessage({ answers } satisfies ShardReply)
  } catch (error) {
    port.postMessage({ failure: String(error) } satisfies ShardReply)
  }
})
