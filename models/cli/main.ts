#!/usr/bin/env node
import { runOnTerminal } from './kit/index.ts'
import { program } from './run.ts'

await runOnTerminal(program)
