import type { ChildProcess } from 'node:child_process'

const children = new Set<ChildProcess>()

/** However the demo ends, this process ends with it. */
export function endsWithUs<Child extends ChildProcess>(child: Child): Child {
  children.add(child)
  child.once('exit', () => children.delete(child))
  return child
}

process.on('exit', () => {
  for (const child of children) child.kill('SIGKILL')
})
