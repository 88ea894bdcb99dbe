import { showValue } from '../../core/show-value';
import { isPickle } from '../../io/http/pickle';
import type { PostAnswer } from '../../io/http/post';
import { remoteText } from '../../io/http/remote-text';
import { parseSafetensors } from '../../io/parse-safetensors';

const SAFETENSORS = ['application/safetensors', 'application/vnd.safetensors'];

function isJson(contentType: string): boolean {
  return contentType === 'application/json' || contentType.endsWith('+json');
}

/**
 * The scores in a server's answer: `{"scores": [...]}` as JSON, or a safetensors file with F32 or F64 `scores` (B).
 *
 * @param name The server, for messages.
 * @param count Pictures that were sent.
 * @throws When the answer is in another form, a Python pickle above all, says `error`, or has not one finite number a picture.
 */
export function readScores(
  { contentType, bytes }: PostAnswer,
  name: string,
  count: number,
): number[] {
  const wrong = (rule: string, value: unknown) =>
    new Error(`Cannot read the scores of ${name} as ${rule}: current value is ${value}`);
  if (contentType.includes('pickle') || isPickle(bytes)) {
    throw new Error(
      `Cannot read the scores of ${name} as an answer must be JSON or safetensors: it is a Python pickle, which can run any program when it is read; let the server answer {"scores": [...]} as application/json`,
    );
  }
  const scores = isJson(contentType)
    ? scoresInJson(bytes, name)
    : SAFETENSORS.includes(contentType)
      ? scoresInSafetensors(bytes, name)
      : null;
  if (scores === null) {
    throw wrong(
      'its content type must be application/json or application/safetensors',
      contentType || 'none',
    );
  }
  if (scores.length !== count) {
    throw wrong(`there must be one for each of ${count} pictures`, scores.length);
  }
  scores.forEach((score, at) => {
    if (typeof score !== 'number' || !Number.isFinite(score)) {
      throw wrong(`they must be finite numbers`, `${showScore(score)} for picture ${at}`);
    }
  });
  return scores as number[];
}

function showScore(score: unknown): string {
  return typeof score === 'number' ? String(score) : showValue(score);
}

function scoresInJson(bytes: Uint8Array, name: string): unknown[] {
  const text = Buffer.from(bytes).toString('utf8');
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw new Error(
      `Cannot read the scores of ${name} as its answer must be JSON, which knows no NaN and no Infinity: ${remoteText((error as Error).message)}`,
      { cause: error },
    );
  }
  const { error, scores } = (json ?? {}) as { error?: unknown; scores?: unknown };
  if (error !== undefined && error !== null) {
    throw new Error(`Cannot read the scores of ${name} as it failed: ${showError(error)}`);
  }
  if (!Array.isArray(scores)) {
    throw new Error(
      `Cannot read the scores of ${name} as its answer must be {"scores": [...]}: current value is ${showValue(json)}`,
    );
  }
  return scores;
}

function showError(error: unknown): string {
  return typeof error === 'string' ? remoteText(error) : showValue(error);
}

function scoresInSafetensors(bytes: Uint8Array, name: string): number[] {
  const scores = parseSafetensors(bytes, `answer of ${name}`).get('scores');
  const isRow = scores?.shape.length === 1;
  if (scores === undefined || !isRow || (scores.dtype !== 'F32' && scores.dtype !== 'F64')) {
    const found = scores && `${scores.dtype} [${scores.shape}]`;
    throw new Error(
      `Cannot read the scores of ${name} as its tensor "scores" must be F32 or F64 and have one axis: current value is ${found ?? 'no such tensor'}`,
    );
  }
  const view = new DataView(scores.data.buffer, scores.data.byteOffset, scores.data.byteLength);
  return Array.from({ length: scores.shape[0] }, (_, at) =>
    scores.dtype === 'F32' ? view.getFloat32(4 * at, true) : view.getFloat64(8 * at, true),
  );
}
