import type { ToEngine } from '../engine-messages';
import { currentCell } from './cell-context';

interface InputQuestion {
  id: number;
  cell: number;
  prompt: string;
  password: boolean;
}

/** Questions of cells to the user, on their way to the client and back. */
export class InputRequests {
  private readonly waiting = new Map<
    number,
    { settle(value: string): void; fail(error: Error): void; forget(): void }
  >();
  private next = 1;

  constructor(private readonly send: (question: InputQuestion) => void) {}

  /** Asks the user; rejects where nobody can answer, or when the cell is interrupted. */
  ask(prompt: string, password: boolean): Promise<string> {
    const cell = currentCell();
    if (!cell.allowInput) {
      return Promise.reject(
        new Error(`Cannot ask for input as the client must allow it: ${JSON.stringify(prompt)}`),
      );
    }
    const id = this.next++;
    return new Promise((settle, fail) => {
      const interrupted = () => this.finish(id)?.fail(cell.signal.reason as Error);
      const forget = () => cell.signal.removeEventListener('abort', interrupted);
      this.waiting.set(id, { settle, fail, forget });
      cell.signal.addEventListener('abort', interrupted, { once: true });
      this.send({ id, cell: cell.id, prompt, password });
    });
  }

  answer({ id, value, error }: ToEngine & { type: 'input' }): void {
    const question = this.finish(id);
    if (error !== undefined) question?.fail(new Error(error));
    else question?.settle(value ?? '');
  }

  private finish(id: number) {
    const question = this.waiting.get(id);
    this.waiting.delete(id);
    question?.forget();
    return question;
  }
}
