import type { PixelImage } from '../core/pixel-image';
import type { PostAnswer } from '../io/http/post';
import type { RolloutPartSettings } from '../training/rollout-part';
import type { WeightsOnServer } from './weights-folder';

/** Some pictures of one prompt. */
export interface PictureRequest {
  prompt: string;
  /** What guidance leads away from; null without guidance. */
  negativePrompt: string | null;
  /** Of the first picture; those after it have the numbers after it. */
  seed: number;
  /** Number of pictures. */
  count: number;
  /** The scale of classifier-free guidance; 1 without it. */
  guidance: number;
  settings: RolloutPartSettings;
}

/** Noise levels and times that the trainer goes by. */
export interface RolloutSchedule {
  /** (N + 1) from 1 to 0. */
  sigmas: Float32Array;
  /** (N) from 1000. */
  timesteps: Float32Array;
}

/** A picture as a server made it. */
export interface ServedPicture {
  image: PixelImage;
  /** (W + 1, ...) before the window's first step and after each of its steps; null where a server keeps no latents. */
  latents: { shape: number[]; values: Float32Array } | null;
  /** (W), or null without noise. */
  logProbs: Float32Array | null;
}

/** What was posted and what came back. */
export interface ServedAnswer {
  answer: PostAnswer;
  /** The server, for messages. */
  server: string;
  request: PictureRequest;
  schedule: RolloutSchedule;
}

/** One post to a server. */
export interface ServerPost {
  /** Below the server's address, without a slash at its start. */
  path: string;
  /** Sent as JSON. */
  body: Record<string, unknown>;
}

/** How servers of a kind are spoken with. */
export interface RolloutProtocol {
  /** The kind, for messages. */
  readonly name: string;
  /** Most pictures of a request, where the options say nothing. */
  readonly mostPictures: number;
  /** How adapters are written for it. */
  readonly adapterFormat: 'diffusers' | 'peft';
  /** Whether it takes all weights, beside adapters. */
  readonly takesAllWeights: boolean;
  /** Accepted as content types of an answer, for the request. */
  readonly accept: string;
  /** @throws When the server cannot roll out so. */
  check(settings: RolloutPartSettings): void;
  /** What has a server load weights; null where each request names them. */
  load(weights: WeightsOnServer): ServerPost | null;
  /** What asks for pictures. */
  ask(request: PictureRequest, weights: WeightsOnServer): ServerPost;
  /** @throws When an answer is not in the protocol's form, or not what was asked for. */
  read(served: ServedAnswer): Promise<{ pictures: ServedPicture[]; busySeconds: number | null }>;
}
