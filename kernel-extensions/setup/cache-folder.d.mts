/** The user's cache folder for Flowbook. */
export function cacheFolder(environment?: NodeJS.ProcessEnv, platform?: NodeJS.Platform): string;
