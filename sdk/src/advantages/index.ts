export * from './advantage-estimator';
export * from './group-advantages';
export * from './reward-probability';
