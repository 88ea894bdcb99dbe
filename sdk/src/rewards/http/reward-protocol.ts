import type { PixelImage } from '../../core/pixel-image';

/** What is asked of a server: pictures with their texts. */
export interface RewardQuestion {
  images: readonly PixelImage[];
  prompts: readonly string[];
  /** Whatever else the server takes. */
  metadata: Record<string, unknown>;
}

/** How a question is put into bytes. */
export interface RewardProtocol {
  contentType: string;
  encode(question: RewardQuestion): Promise<Uint8Array>;
}
