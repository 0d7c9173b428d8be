import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { arbitraryDag } from '../dags.test.kit.ts'
import { graphFromDot } from './graph-from-dot.ts'
import { taskGraphToDot } from './task-graph-to-dot.ts'

const refusal = (text: string) => {
  try {
    graphFromDot(text)
  } catch (error) {
    return error
  }
  throw new Error('it was taken')
}

describe('graphFromDot', () => {
  it('reads chains, groups, subgraphs, quoted names and ports', () => {
    const graph = graphFromDot(`
      strict digraph "face search" {
        // what every task costs unless it says otherwise
        node [cycles=1e9]; edge [bits=8e6]
        deadlineS=0.25
        camera [cycles=2e8, inputBits=12e6, shape=box]
        camera -> detect:n -> {"face, left" "face, right"} [bits=1e6, label="crop"]
        subgraph cluster_end {
          node [cycles=5e8]; edge [bits=100]
          "face, left" -> answer; "face, right" -> answer:s
          answer [outputBits=.5e3]
        }
        detect -> answer
        detect -> answer [bits=7]
      }`)
    expect(graph).toEqual({
      name: 'face search',
      deadlineS: 0.25,
      tasks: [
        { id: 'camera', cycles: 2e8, inputBits: 12e6 },
        { id: 'detect', cycles: 1e9, after: [{ task: 'camera', bits: 1e6 }] },
        { id: 'face, left', cycles: 1e9, after: [{ task: 'detect', bits: 1e6 }] },
        { id: 'face, right', cycles: 1e9, after: [{ task: 'detect', bits: 1e6 }] },
        {
          id: 'answer',
          cycles: 5e8,
          outputBits: 500,
          after: [
            { task: 'face, left', bits: 100 },
            { task: 'face, right', bits: 100 },
            { task: 'detect', bits: 7 },
          ],
        },
      ],
    })
  })

  it('takes cycles and bits from the options where the text has none', () => {
    expect(graphFromDot('digraph { a -> b }', { cycles: 5, bits: 3 })).toEqual({
      tasks: [
        { id: 'a', cycles: 5 },
        { id: 'b', cycles: 5, after: [{ task: 'a', bits: 3 }] },
      ],
    })
  })

  it.each(
    [
      ['graph { a -- b }', 'BAD_GRAPH', 'undirected'],
      ['digraph { a [cycles=1] ', 'BAD_GRAPH', 'line 1, column'],
      [
        'digraph { a [cycle=3] }',
        'BAD_GRAPH',
        'node "a": the attribute "cycles" is missing (it has "cycle")',
      ],
      ['digraph { a [cycles=much] }', 'BAD_GRAPH', 'node "a": cycles is "much"'],
      ['digraph { a [cycles=0x10] }', 'BAD_GRAPH', 'node "a": cycles is "0x10"'],
      ['digraph { a [cycles=-1] }', 'BAD_GRAPH', 'tasks[0] ("a").cycles'],
      ['digraph { node [cycles=1]; a -> b [bits="1e400"] }', 'BAD_GRAPH', 'tasks[1] ("b").after[0].bits'],
      ['digraph { node [cycles=1]; a -> b -> a }', 'GRAPH_CYCLE', 'b → a → b'],
      ['digraph { node [cycles=1]; a -> a }', 'GRAPH_CYCLE', 'a → a'],
      ['digraph { node [cycles=1]; a -> b; a -> b }', 'BAD_GRAPH', '"b" waits twice for "a"'],
      ['digraph { node [cycles=1]; a -> subgraph x { b } }', 'BAD_GRAPH', 'cannot end at a subgraph'],
      ['digraph { }', 'BAD_GRAPH', 'tasks'],
      ['', 'BAD_GRAPH', 'DOT text'],
      [`digraph { ${'subgraph {'.repeat(40)}a`, 'BAD_GRAPH', 'levels of braces'],
      [`digraph { // it's "so"\n # "\n${'subgraph {'.repeat(40)}a`, 'BAD_GRAPH', 'levels of braces'],
      [`digraph { x [label=<">] ${'subgraph {'.repeat(40)}a`, 'BAD_GRAPH', 'levels of braces'],
      [`digraph { /* " */ ${'subgraph {'.repeat(40)}a`, 'BAD_GRAPH', 'levels of braces'],
      [`digraph { ${'{'.repeat(100_000)}`, 'BAD_GRAPH', 'levels of braces'],
      [`digraph { a${' -> a'.repeat(100_000)} }`, 'BAD_GRAPH', 'DOT text'],
      [`digraph { "${'\\'.repeat(200_001)}`, 'BAD_GRAPH', 'DOT text'],
      [`digraph { a [cycles=1] }${' '.repeat(10_000_000)}`, 'BAD_GRAPH', 'characters long'],
    ].map(([text = '', code, message]) => ({ title: text.slice(0, 60), text, code, message })),
  )('refuses $title', ({ text, code, message }) => {
    expect(refusal(text)).toMatchObject({ code, message: expect.stringContaining(message!) })
  })

  it('refuses groups that multiply to more edges than asked for', () => {
    const group = `{${Array.from({ length: 100 }, (_, at) => `n${at}`).join(' ')}}`
    expect(refusal(`digraph { ${Array(200).fill(group).join(' -> ')} }`)).toMatchObject({
      code: 'BAD_GRAPH',
      message: expect.stringContaining('too many edges'),
    })
  })

  it('leaves braces in quotes, comments and HTML uncounted', () => {
    const text = `digraph { node [cycles=1]; a [label="${'{'.repeat(20)}"]; /* ${'{'.repeat(20)} */ b [label=<${'{'.repeat(20)}>] }`
    expect(graphFromDot(text).tasks.map(({ id }) => id)).toEqual(['a', 'b'])
  })

  it('never throws another error than one that it names, whatever the text', () => {
    const pieces = fc.constantFrom(
      ...[
        'digraph ',
        'strict ',
        'graph',
        '{',
        '}',
        '[',
        ']',
        '->',
        '--',
        ';',
        ',',
        '=',
        'cycles',
        'bits',
        '1',
        '-1',
        '1e9',
      ],
      ...[
        'a',
        'b',
        '"',
        '\\',
        '<',
        '>',
        ' ',
        '\n',
        '#',
        '//',
        '/*',
        '*/',
        'node',
        'edge',
        'subgraph',
        ':',
        '__proto__',
        'é',
      ],
    )
    const text = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.array(pieces, { maxLength: 40 }).map((parts) => parts.join('')),
      fc.array(pieces, { maxLength: 30 }).map((parts) => `digraph { node [cycles=1]; ${parts.join(' ')} }`),
    )
    let read = 0
    fc.assert(
      fc.property(text, (each) => {
        try {
          graphFromDot(each)
          read++
        } catch (error) {
          expect(error).toMatchObject({ name: 'IsthmusError', code: expect.stringMatching(/^(BAD_)?GRAPH/) })
        }
      }),
      { numRuns: 3000, seed: 1 },
    )
    expect(read).toBeGreaterThan(0)
  })
})

describe('taskGraphToDot', () => {
  it('writes what graphFromDot reads again, whatever the names', () => {
    fc.assert(
      fc.property(arbitraryDag, (graph) => {
        expect(graphFromDot(taskGraphToDot(graph))).toEqual(graph)
      }),
      { numRuns: 300, seed: 2 },
    )
  })

  it('labels tasks and edges with rounded cycles and bits', () => {
    const dot = taskGraphToDot({
      tasks: [
        { id: 'a & "b"', cycles: 1_234_567_890, inputBits: 999_999 },
        { id: 'c\\', cycles: 0, outputBits: 12, divisible: true, after: [{ task: 'a & "b"', bits: 8000 }] },
      ],
    })
    expect(dot).toContain('label="a &amp; \\"b\\"\\n1.23 Gcycles\\nin 1 Mbit"')
    expect(dot).toContain('label="c\\\\\\n0 cycles\\nout 12 bit"')
    expect(dot).toContain('"a & \\"b\\"" -> "c\\\\" [bits="8000", label="8 kbit"]')
  })
})

it.each([undefined, null, 42, {}])('%s is no text, and said to be none', (text) => {
  expect(() => graphFromDot(text as never)).toThrow(
    expect.objectContaining({ code: 'BAD_GRAPH', message: expect.stringContaining('no text') }),
  )
})
