import { isthmus } from '#messages'
import type { Outcome, PatchReason, Presence, Route, SampleInput } from '../message.ts'

// Names of what the wire has numbers for.

export type WireRoute = isthmus.v1.Route
export type WirePresence = isthmus.v1.Presence
export type WireInput = isthmus.v1.SampleInput
export type WireReason = isthmus.v1.PatchReason
export type WireOutcome = isthmus.v1.Outcome

export const routeNumbers: Record<Route, WireRoute> = {
  local: isthmus.v1.Route.ROUTE_LOCAL,
  split: isthmus.v1.Route.ROUTE_SPLIT,
  edge: isthmus.v1.Route.ROUTE_EDGE,
  skip: isthmus.v1.Route.ROUTE_SKIP,
}
export const presenceNumbers: Record<Presence, WirePresence> = {
  online: isthmus.v1.Presence.PRESENCE_ONLINE,
  draining: isthmus.v1.Presence.PRESENCE_DRAINING,
  offline: isthmus.v1.Presence.PRESENCE_OFFLINE,
}
export const outcomeNumbers: Record<Outcome, WireOutcome> = {
  won: isthmus.v1.Outcome.OUTCOME_WON,
  lost: isthmus.v1.Outcome.OUTCOME_LOST,
  renewed: isthmus.v1.Outcome.OUTCOME_RENEWED,
  lapsed: isthmus.v1.Outcome.OUTCOME_LAPSED,
}
const outcomes = namesByNumber(outcomeNumbers)
export const inputNumbers: Record<SampleInput, WireInput> = {
  pixels: isthmus.v1.SampleInput.SAMPLE_INPUT_PIXELS,
  image: isthmus.v1.SampleInput.SAMPLE_INPUT_IMAGE,
  latent: isthmus.v1.SampleInput.SAMPLE_INPUT_LATENT,
  statistics: isthmus.v1.SampleInput.SAMPLE_INPUT_STATISTICS,
}
export const reasonNumbers: Record<PatchReason, WireReason> = {
  start: isthmus.v1.PatchReason.PATCH_REASON_START,
  gap: isthmus.v1.PatchReason.PATCH_REASON_GAP,
  damaged: isthmus.v1.PatchReason.PATCH_REASON_DAMAGED,
  rolledBack: isthmus.v1.PatchReason.PATCH_REASON_ROLLED_BACK,
}
const routes = namesByNumber(routeNumbers)
const presences = namesByNumber(presenceNumbers)
const inputs = namesByNumber(inputNumbers)
const reasons = namesByNumber(reasonNumbers)

export function routeOf(number: number): Route | undefined {
  return routes[number]
}

export function presenceOf(number: number): Presence | undefined {
  return presences[number]
}

export function outcomeOf(number: number): Outcome | undefined {
  return outcomes[number]
}

export function numberOfOutcome(outcome: Outcome): WireOutcome {
  return outcomeNumbers[outcome]
}

export function numberOfRoute(route: Route): WireRoute {
  return routeNumbers[route]
}

export function numberOfPresence(presence: Presence): WirePresence {
  return presenceNumbers[presence]
}

export function inputOf(number: number): SampleInput | undefined {
  return inputs[number]
}

export function reasonOf(number: number): PatchReason | undefined {
  return reasons[number]
}

export function numberOfInput(input: SampleInput): WireInput {
  return inputNumbers[input]
}

export function numberOfReason(reason: PatchReason): WireReason {
  return reasonNumbers[reason]
}

function namesByNumber<Name extends string>(numbers: Record<Name, number>): Record<number, Name | undefined> {
  return Object.fromEntries(Object.entries<number>(numbers).map(([name, number]) => [number, name as Name]))
}
