import { showValue } from '../../core/show-value';
import { decodeImage } from '../../io/image-file';
import type { ServedAnswer, ServedPicture } from '../rollout-protocol';

/**
 * The pictures of an answer of `/v1/images/generations`: `{"data": [{"b64_json": PNG in base64}]}`.
 *
 * @throws When it is of another form, or a picture has another size than was asked for.
 */
export async function readPictures({
  answer: { contentType, bytes },
  server,
  request: { count, settings },
}: ServedAnswer): Promise<{ pictures: ServedPicture[]; busySeconds: null }> {
  const wrong = (rule: string, value: unknown) =>
    new Error(`Cannot read pictures of ${server} as ${rule}: current value is ${value}`);
  if (contentType !== 'application/json') {
    throw wrong('their content type must be application/json', contentType || 'none');
  }
  let json: unknown;
  try {
    json = JSON.parse(Buffer.from(bytes).toString('utf8'));
  } catch (error) {
    throw new Error(
      `Cannot read pictures of ${server} as they must be JSON: ${(error as Error).message}`,
      { cause: error },
    );
  }
  const { data } = (json ?? {}) as { data?: unknown };
  if (!Array.isArray(data) || data.length !== count) {
    const found = Array.isArray(data) ? data.length : showValue(json);
    throw wrong(`"data" must have one entry for each of ${count} pictures`, found);
  }
  const pictures = data.map(async (entry: unknown, at): Promise<ServedPicture> => {
    const { b64_json: text } = (entry ?? {}) as { b64_json?: unknown };
    if (typeof text !== 'string') {
      throw wrong(`entry ${at} must have a text "b64_json"`, showValue(entry));
    }
    const what = `picture ${at} of ${server}`;
    const image = await decodeImage(Buffer.from(text, 'base64'), what);
    const { height, width } = settings;
    if (image.height !== height || image.width !== width) {
      throw wrong(
        `picture ${at} must have ${width} x ${height} pixels`,
        `${image.width} x ${image.height}`,
      );
    }
    return { image, latents: null, logProbs: null };
  });
  return { pictures: await Promise.all(pictures), busySeconds: null };
}
