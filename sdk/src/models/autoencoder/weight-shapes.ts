/** Names and shapes of an autoencoder's tensors, as its checkpoint has them. */
export class WeightShapes {
  readonly shapes = new Map<string, number[]>();

  /**
   * @param axes Axes of a kernel besides channels: 2 or 3.
   * @param normOf Tensors of the norm over so many channels: what follows its name, and the shape.
   */
  constructor(
    readonly axes: 2 | 3,
    readonly normOf: (channels: number) => [name: string, shape: number[]][],
  ) {}

  /** A tensor. */
  add(name: string, shape: number[]): void {
    this.shapes.set(name, shape);
  }

  /** A layer with a bias: its weight is (out, in, ...kernel). */
  layer(name: string, outputs: number, inputs: number, kernel: readonly number[] = []): void {
    this.add(`${name}.weight`, [outputs, inputs, ...kernel]);
    this.add(`${name}.bias`, [outputs]);
  }

  /** A convolution with a kernel of `size` along every axis. */
  convolution(name: string, outputs: number, inputs: number, size = 3): void {
    this.layer(name, outputs, inputs, Array<number>(this.axes).fill(size));
  }

  /** A norm. */
  norm(name: string, channels: number): void {
    for (const [end, shape] of this.normOf(channels)) this.add(`${name}.${end}`, shape);
  }

  /** Norm and convolution, twice, and a shortcut where the number of channels changes. */
  residualBlock(name: string, inputs: number, outputs: number): void {
    this.norm(`${name}.norm1`, inputs);
    this.convolution(`${name}.conv1`, outputs, inputs);
    this.norm(`${name}.norm2`, outputs);
    this.convolution(`${name}.conv2`, outputs, outputs);
    if (inputs !== outputs) this.convolution(`${name}.conv_shortcut`, outputs, inputs, 1);
  }

  /** Residual blocks `<name>.0`, `<name>.1`, ...; the first one changes the number of channels. */
  residualBlocks(name: string, count: number, inputs: number, outputs: number): void {
    for (let index = 0; index < count; index++) {
      this.residualBlock(`${name}.${index}`, index === 0 ? inputs : outputs, outputs);
    }
  }
}
