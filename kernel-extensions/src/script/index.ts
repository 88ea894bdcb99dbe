export { flag, type Flag, type FlagValues } from './flags';
export { runScript, type ScriptOptions } from './run-script';
export type { ScriptCell } from './script-run';
