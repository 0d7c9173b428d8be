import { parentPort } from 'node:worker_threads'
import { watchStalls } from './stalls.ts'

// A thread with nothing to do: when it does not get to run, the machine had no processor for this process.
watchStalls((stall) => parentPort!.postMessage(stall))
