import { Registry } from '../../core/registry';
import { cps } from './cps';
import { danceSde } from './dance-sde';
import { sde } from './sde';
import type { Transition } from './transition';

/** All transitions by the name that `sdeType` takes. */
export const transitions = new Registry<Transition>('transition');
transitions.register('sde', sde);
transitions.register('cps', cps);
transitions.register('dance_sde', danceSde);

export { cps, danceSde, sde };
export * from './step-scale';
export * from './transition';
