#!/usr/bin/env node
import { runOnTerminal } from '@isthmus/models/cli'
import { program } from './program.ts'

await runOnTerminal(program)
