/** Tells on stderr how far pre-training is, a line for each line of its log. */
export function progressLine(what: string): (progress: Record<string, number>) => void {
  let first: { step: number; seconds: number } | null = null;
  return ({ step, steps, loss, seconds, pass, correct }) => {
    first ??= { step, seconds };
    const secondsLeft = ((seconds - first.seconds) / (step - first.step)) * (steps - step);
    const found = [
      pass === undefined ? '' : `, ${(100 * pass).toFixed(1)} % of pictures pass`,
      correct === undefined ? '' : `, ${(100 * correct).toFixed(1)} % right`,
      // The first line of a process has nothing to measure from.
      step === first.step ? '' : `, ${(secondsLeft / 60).toFixed(1)} min left`,
    ].join('');
    process.stderr.write(`${what} ${step} of ${steps}: loss ${loss.toFixed(4)}${found}\n`);
  };
}
