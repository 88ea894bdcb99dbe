/**
 * Something that set-up needs and the machine lacks: one message that names it, and the command that helps.
 */
export class SetupProblem extends Error {
  /**
   * @param piece short name of what is missing ('compiler', 'Python', 'network', 'disk space', ...)
   * @param message what could not be done, the rule, and the present value
   * @param command the exact command that helps
   */
  constructor(piece, message, command) {
    super(message);
    this.name = 'SetupProblem';
    this.piece = piece;
    this.command = command;
  }

  /** The message and the command, as shown to a user. */
  get text() {
    return this.command ? `${this.message}\n  Run: ${this.command}` : this.message;
  }
}
