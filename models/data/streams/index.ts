export type { ClassOrder } from './class-order.ts'
export {
  type ShiftOrder,
  type ShiftStream,
  type ShiftStreamOptions,
  type StreamBatch,
  type StreamItem,
  shiftStream,
} from './shift-stream.ts'
