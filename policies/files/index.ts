export { loadPolicy, type PolicyFolder } from './load-policy.ts'
export { type FinishedPolicy, savePolicy } from './save-policy.ts'
export { trainedFolder } from './trained-folder.ts'
