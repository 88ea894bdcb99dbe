import type { FromEngine, ToEngine } from '../engine-messages';

type Send = (message: FromEngine) => void;

/** The channel to the server process. It is taken off `process`, where user code would find and use it. */
export class ParentLink {
  private readonly sendToParent: Send;

  constructor(receive: (message: ToEngine) => void, closed: () => void) {
    if (!process.send) {
      throw new Error(
        'Cannot start the engine as the kernel server must start it: process.send is missing',
      );
    }
    this.sendToParent = process.send.bind(process) as Send;
    process.send = undefined;
    process.on('message', receive as (message: unknown) => void);
    process.on('disconnect', closed);
  }

  send(message: FromEngine): void {
    this.sendToParent(message);
  }
}
