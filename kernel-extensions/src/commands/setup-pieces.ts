/** Set-up's own functions: plain modules that also run before anything is built. */
export const setupPieces = () => import('../../setup/index.mjs');
