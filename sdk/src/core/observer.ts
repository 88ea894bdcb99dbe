/**
 * Says on stderr that whoever watches failed, the first time it does.
 *
 * @param name What watches, as a sentence begins with it.
 * @param work What goes on without it.
 */
export function failureSaidOnce(name: string, work: string): (error: unknown) => void {
  let isSaid = false;
  return (error) => {
    if (isSaid) return;
    isSaid = true;
    const reason = error instanceof Error ? error.message : String(error);
    process.stderr.write(`${name} failed, and ${work} goes on: ${reason}\n`);
  };
}

/**
 * Somebody who watches work and has no say in it, as a progress bar: what it throws, or a promise of its rejects with, is said
 * on stderr once, and the work goes on. It is called the next time all the same.
 *
 * @param watch Missing: nobody watches.
 * @param name What watches, as a sentence begins with it.
 * @param work What goes on when it fails.
 * @example
 * const seen: number[] = [];
 * const observe = observer((value: number) => void seen.push(value), 'A list', 'counting');
 * observe(3);
 * seen; // [3]
 */
export function observer<About extends unknown[]>(
  watch: ((...about: About) => unknown) | null | undefined,
  name: string,
  work: string,
): (...about: About) => void {
  if (!watch) return () => {};
  const failed = failureSaidOnce(name, work);
  return (...about) => {
    try {
      Promise.resolve(watch(...about)).catch(failed);
    } catch (error) {
      failed(error);
    }
  };
}
