export * from './group-advantages';
export * from './reward-probability';
