export { type ConvOptions, NetBuilder, type NetOptions } from './net-builder.ts'
export { type TeacherTaps, type TeacherWidths, teacher, teacherEnd, teacherTail } from './teacher.ts'
export { whiteningKernels } from './whitening.ts'
