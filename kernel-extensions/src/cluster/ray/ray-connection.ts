import { existsSync } from 'node:fs';
import { setupPieces } from '../../setup/setup-pieces';

/** How a Ray cluster is reached. */
export interface RayConnection {
  /** `host:port` of the cluster's head. */
  address: string;
  /** File that holds the cluster's token. Default: the environment's RAY_AUTH_TOKEN_PATH. */
  tokenFile?: string;
  /** Python with the cluster's version of Ray. Default: the one that `flowbook setup --ray` installed. */
  python?: string;
}

/** @throws When Ray was not set up, and no other Python is given. */
export async function pythonWithRay(python?: string): Promise<string> {
  if (python !== undefined) return python;
  const { cacheFolder, isRayReady, rayPython, rayVersion } = await setupPieces();
  const cache = cacheFolder();
  if (isRayReady(cache)) return rayPython(cache);
  throw new Error(
    `Cannot reach a Ray cluster as Ray ${rayVersion} must be installed: run "npx flowbook setup --ray", or name a Python that has it`,
  );
}

/**
 * The environment of a program of Ray's: with the token, and without what Ray would report of its use.
 *
 * @throws When there is no token: a cluster without one runs anybody's programs.
 */
export function rayEnvironment({
  tokenFile = process.env.RAY_AUTH_TOKEN_PATH,
}: Pick<RayConnection, 'tokenFile'>): NodeJS.ProcessEnv {
  if (tokenFile === undefined || !existsSync(tokenFile)) {
    throw new Error(
      `Cannot reach a Ray cluster as tokenFile or RAY_AUTH_TOKEN_PATH must name the file of its token: current value is ${tokenFile ?? 'none'}`,
    );
  }
  return {
    ...process.env,
    RAY_AUTH_MODE: 'token',
    RAY_AUTH_TOKEN_PATH: tokenFile,
    RAY_USAGE_STATS_ENABLED: '0',
  };
}
