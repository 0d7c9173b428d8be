import { bottleneckCommand } from './bottleneck-command.ts'
import { breakevenCommand } from './breakeven-command.ts'
import { cutCommand } from './cut-command.ts'
import { inspectCommand } from './inspect-command.ts'
import { type Output, type Program, runProgram } from './kit/index.ts'
import { packCommand } from './pack-command.ts'
import { pipelineCommand } from './pipeline-command.ts'
import { taskCommand } from './task-command.ts'
import { verifyCommand } from './verify-command.ts'

export const program: Program = {
  name: 'isthmus-models',
  purpose: 'read, cut and package ONNX models for split computing',
  commands: [
    inspectCommand,
    cutCommand,
    bottleneckCommand,
    packCommand,
    pipelineCommand,
    taskCommand,
    verifyCommand,
    breakevenCommand,
  ],
  start: `Start with a model of your own:
  isthmus-models inspect net.onnx
  isthmus-models pack net.onnx --at TENSOR --labels labels.txt --scale imagenet --photos ./photos`,
  hints: { BAD_INPUT: 'Use --shape NAME=1x3x224x224.' },
}

/** Runs a command line of `isthmus-models`; gives the exit code. */
export const runCli = (args: readonly string[], output: Output): Promise<number> =>
  runProgram(program, args, output)
