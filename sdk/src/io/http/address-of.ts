/**
 * A server's address as messages and files show it: without its query, which may hold a key, and without a user.
 *
 * @example
 * addressOf('https://judge.example/score?key=made-up'); // 'https://judge.example/score'
 */
export function addressOf(url: string | URL): string {
  const { origin, pathname } = new URL(url);
  return `${origin}${pathname}`;
}
