import './built-in';

export * from './reward-registry';
export * from './score-rewards';
export * from './jpeg-size';
export * from './redness';
export * from './shapes';
