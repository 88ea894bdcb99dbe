export function cacheFolder(environment?: NodeJS.ProcessEnv, platform?: string): string;
export function doctorCommand(parameters: string[]): Promise<number>;
export function isJupyterReady(cache: string): boolean;
export function jupyterFolder(cache: string): string;
export function setupCommand(parameters: string[]): Promise<number>;
export function venvPython(folder: string): string;
