export function cacheFolder(environment?: NodeJS.ProcessEnv, platform?: string): string;
export function doctorCommand(parameters: string[]): Promise<number>;
export function isJupyterReady(cache: string): boolean;
export function jupyterFolder(cache: string): string;
export function isRayReady(cache: string): boolean;
export function rayPython(cache: string): string;
export const rayVersion: string;
export function setupCommand(parameters: string[]): Promise<number>;
export function venvPython(folder: string): string;
