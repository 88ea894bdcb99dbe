/** JavaScript is stopped sooner than this; what goes on is no JavaScript. */
const PATIENCE_MS = 1500;

/** Says in the notebook when an interrupt has to wait for a call into native code or a package, and when that has ended. */
export class InterruptWait {
  private askedAt = 0;
  private timer: NodeJS.Timeout | undefined;
  private isTold = false;

  /** An interrupt is on its way to the cell that runs; `print` adds to that cell's output. */
  begin(print: (text: string) => void): void {
    if (this.askedAt > 0) return;
    this.askedAt = performance.now();
    this.timer = setTimeout(() => {
      this.isTold = true;
      print(
        'The interrupt waits for a call into native code, which cannot be stopped, or for a package to load: the cell ends when that does. Another interrupt stops the loading, a restart of the kernel either.\n',
      );
    }, PATIENCE_MS);
  }

  /** The cell has ended. */
  end(print: (text: string) => void): void {
    clearTimeout(this.timer);
    const seconds = ((performance.now() - this.askedAt) / 1000).toFixed(1);
    if (this.isTold) print(`The wait ended ${seconds} s after the interrupt.\n`);
    this.isTold = false;
    this.askedAt = 0;
  }
}
