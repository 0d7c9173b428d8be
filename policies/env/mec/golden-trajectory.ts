/** A placement of the published environment, as run: its seed 0, 3 edges, 4 and 2 GHz, action = slot modulo 4. */
export interface GoldenRow {
  readonly bits: number
  readonly user: number
  readonly action: number
  readonly rateBps: number
  readonly jobsBefore: number
  readonly publishedDelayReward: number
  readonly publishedEnergyReward: number
  readonly exactDelayS: number
}

const rows: readonly (readonly number[])[] = [
  [7099179.2377, 9, 0, 461933512.6979, 0, -0.0177479481, -2.8473558953, 1.7901632099],
  [1321837.1013, 3, 1, 899055707.5951, 0, -0.0066091855, -0.1329188354, 0.6623888011],
  [1507910.1291, 7, 2, 768170277.6988, 0, -0.0075395506, -0.1517725076, 0.755918054],
  [12803341.8339, 3, 3, 612935881.851, 0, -0.0640167092, -1.2907784584, 6.422559467],
  [4462528.2896, 5, 0, 290147017.0619, 0, -0.0111563207, -1.7927014316, 1.1310123039],
  [13862913.562, 2, 1, 641846043.4466, 0, -0.0693145678, -1.3970906076, 6.9530552838],
  [2231392.0744, 4, 2, 702543780.691, 0, -0.0111569604, -0.2247272879, 1.1188721981],
  [9079640.1117, 1, 3, 521415199.6952, 1, -0.0935011208, -0.9166707387, 9.3675255348],
  [1799573.4155, 8, 0, 411792514.1147, 0, -0.0044989335, -0.7220144149, 0.4542634513],
  [516829.037, 4, 1, 660620584.9692, 1, -0.0077524356, -0.052074073, 0.7760258942],
  [8913785.7352, 1, 2, 715308524.4353, 0, -0.0445689287, -0.8976093015, 4.4693543236],
  [33379343.9275, 1, 3, 521415199.6952, 2, -0.225824226, -3.3699428037, 22.5504141876],
  [2060320.4906, 5, 0, 290147017.0619, 0, -0.0051508012, -0.827678673, 0.5221810762],
  [891542.8869, 6, 1, 704949921.4763, 0, -0.0044577144, -0.0897866335, 0.4470361331],
  [5698975.5938, 6, 2, 680314415.5653, 1, -0.037714425, -0.574086046, 3.779819471],
  [19283601.1791, 9, 3, 737849922.408, 2, -0.3039123224, -1.9414275457, 30.4042996639],
]

export const goldenTrajectory: readonly GoldenRow[] = rows.map(
  ([bits, user, action, rateBps, jobsBefore, publishedDelayReward, publishedEnergyReward, exactDelayS]) => ({
    bits: bits!,
    user: user!,
    action: action!,
    rateBps: rateBps!,
    jobsBefore: jobsBefore!,
    publishedDelayReward: publishedDelayReward!,
    publishedEnergyReward: publishedEnergyReward!,
    exactDelayS: exactDelayS!,
  }),
)

/** Placements on which the published code is wrong: one server, jobs there, and the new job. */
export const faultyCases: readonly {
  readonly speedBps: number
  readonly leftBits: readonly number[]
  readonly bits: number
  readonly uploadS: number
  readonly exactS: number
  readonly publishedS: number
}[] = [
  { speedBps: 2e6, leftBits: [], bits: 6e6, uploadS: 0.01, exactS: 3.01, publishedS: 3 },
  { speedBps: 2e6, leftBits: [2e6, 4e6], bits: 6e6, uploadS: 0.5, exactS: 8.5, publishedS: 8.75 },
  {
    speedBps: 2e6,
    leftBits: [2e6, 4e6, 9e6],
    bits: 6e6,
    uploadS: 0.5,
    exactS: 14 + 5 / 6,
    publishedS: 15 + 1 / 3,
  },
  { speedBps: 2e6, leftBits: [0.1e6], bits: 6e6, uploadS: 0.5, exactS: 3.5, publishedS: 3.15 },
  { speedBps: 4e6, leftBits: [5e6], bits: 1e6, uploadS: 0.02, exactS: 0.77, publishedS: 0.75 },
]

/** The trajectory as an episode to replay: rates of the pairs that it uses, any other 500 Mbit/s. */
export function goldenEpisode() {
  const rateBps = [0, 1, 2, 3].map((server) =>
    Array.from(
      { length: 10 },
      (_, user) => goldenTrajectory.find((row) => row.action === server && row.user === user)?.rateBps ?? 5e8,
    ),
  )
  return { rateBps, tasks: goldenTrajectory.map(({ bits, user }) => ({ bits, user })) }
}
