/** Classes of `Deno.errors`. */
export class NotFound extends Error {
  override name = 'NotFound';
}
export class AlreadyExists extends Error {
  override name = 'AlreadyExists';
}
export class PermissionDenied extends Error {
  override name = 'PermissionDenied';
}

const ERRORS: Record<string, new (message: string) => Error> = {
  ENOENT: NotFound,
  EEXIST: AlreadyExists,
  EACCES: PermissionDenied,
};

/** Node's error as Deno's class of it. */
export function translated(error: unknown): unknown {
  const { code = '', message } = error as NodeJS.ErrnoException;
  const Known = ERRORS[code];
  return Known ? Object.assign(new Known(message), { code, cause: error }) : error;
}
