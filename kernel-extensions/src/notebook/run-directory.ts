/**
 * The folder that a run writes to when none is given: `runs/<time>-<name>`, local time, so that
 * folders sort by age.
 *
 * @example
 * runDirectory('01-flow-grpo', new Date(2026, 10, 23, 9, 5, 7)); // 'runs/20261123-090507-01-flow-grpo'
 */
export function runDirectory(name: string, now = new Date()): string {
  const two = (value: number): string => String(value).padStart(2, '0');
  const day = `${now.getFullYear()}${two(now.getMonth() + 1)}${two(now.getDate())}`;
  const time = `${two(now.getHours())}${two(now.getMinutes())}${two(now.getSeconds())}`;
  return `runs/${day}-${time}-${name}`;
}
