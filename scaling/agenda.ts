/** Things to do, earliest first; of two at one time the one that was added first. A binary heap. */
export class Agenda<Item> {
  readonly #heap: { at: number; order: number; item: Item }[] = [];
  #added = 0;

  get next(): { at: number; item: Item } | undefined {
    return this.#heap[0];
  }

  add(at: number, item: Item): void {
    const heap = this.#heap;
    heap.push({ at, order: this.#added++, item });
    let child = heap.length - 1;
    while (child > 0) {
      const parent = (child - 1) >> 1;
      if (!this.#isBefore(child, parent)) break;
      [heap[child], heap[parent]] = [heap[parent], heap[child]];
      child = parent;
    }
  }

  take(): { at: number; item: Item } | undefined {
    const heap = this.#heap;
    const first = heap[0];
    const last = heap.pop();
    if (heap.length > 0 && last !== undefined) {
      heap[0] = last;
      this.#sink();
    }
    return first;
  }

  #sink(): void {
    const heap = this.#heap;
    let parent = 0;
    for (;;) {
      let least = parent;
      for (const child of [2 * parent + 1, 2 * parent + 2]) {
        if (child < heap.length && this.#isBefore(child, least)) least = child;
      }
      if (least === parent) return;
      [heap[least], heap[parent]] = [heap[parent], heap[least]];
      parent = least;
    }
  }

  #isBefore(a: number, b: number): boolean {
    const [one, other] = [this.#heap[a], this.#heap[b]];
    return one.at < other.at || (one.at === other.at && one.order < other.order);
  }
}
