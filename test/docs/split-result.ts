import { z } from 'zod'

const point = z.looseObject({
  bytes: z.number(),
  strippedBytes: z.number(),
  pickledBytes: z.number(),
  score: z.number(),
})
const curves = z.record(
  z.string(),
  z.looseObject({ family: z.string(), about: z.string(), points: z.array(point) }),
)
const coded = z.looseObject({ bytes: z.number(), pickledBytes: z.number(), top1: z.number() })
const codedCut = z.looseObject({ bytes: z.number(), pickledBytes: z.number(), score: z.number() })
const untrainedCut = z.looseObject({
  tensor: z.string(),
  headMacsM: z.number(),
  uint8: codedCut,
  channelDeflate: codedCut,
  entropy8: codedCut,
  entropy4: codedCut,
})
const autoencoder = untrainedCut.extend({ channels: z.number(), behind: z.string() })
const compared = z.looseObject({
  name: z.string(),
  bytes: z.number(),
  score: z.number(),
  codec: z.string(),
  codecBytes: z.number(),
  ratio: z.number(),
})

/** What the pages read of results/split.json, beyond its figures. Results from before a measurement was made lack its part. */
const splitSchema = z.looseObject({
  figures: z.record(z.string(), z.number()),
  peers: z.looseObject({
    codecs: curves.optional(),
    inceptionCodecs: curves.optional(),
    bottlefit8bit: coded.optional(),
    untrainedCuts: z.array(untrainedCut).optional(),
    autoencoders: z.array(autoencoder).optional(),
    inception8bit: codedCut.optional(),
    inceptionUntrainedCuts: z.array(untrainedCut).optional(),
    inceptionAutoencoders: z.array(autoencoder).optional(),
  }),
  detail: z.looseObject({
    modes: z.record(
      z.string(),
      z.looseObject({
        top1: z.number(),
        dropPts: z.number(),
        meanPayloadBytes: z.number(),
        meanPickledBytes: z.number().optional(),
        headMacsM: z.number().optional(),
        exrdKB2: z.number().optional(),
      }),
    ),
    codecComparison: z
      .looseObject({ pictures: z.string(), teacherTop1: z.number(), points: z.array(compared) })
      .optional(),
    inception: z
      .looseObject({
        photos: z.number(),
        modes: z.record(
          z.string(),
          z.looseObject({
            bytes: z.number(),
            score: z.number(),
            pickledBytes: z.number(),
            headMacsM: z.number(),
          }),
        ),
        comparison: z.array(compared),
      })
      .optional(),
  }),
})

export type SplitResult = z.output<typeof splitSchema>
export type StoredCut = z.output<typeof untrainedCut>
export type StoredAutoencoder = z.output<typeof autoencoder>
export type StoredCurves = z.output<typeof curves>

export const parseSplitResult = (json: unknown): SplitResult => splitSchema.parse(json)
