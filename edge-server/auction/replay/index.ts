export { type Day, type DayOptions, type DayTask, drawDay } from './day.ts'
export { type ReplayMethod, type ReplayMethodName, type ReplayRound, replayMethods } from './methods.ts'
export { type ReplayOptions, type ReplayPoint, type ReplayResult, replayDay } from './replay.ts'
export { parseTraceTasks, type TraceTask } from './trace.ts'
