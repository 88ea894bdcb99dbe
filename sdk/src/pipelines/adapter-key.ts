/** Names an adapter in a registry and in messages. */
export function adapterKey(architecture: string, algorithm: string): string {
  return `${architecture}/${algorithm}`;
}

/**
 * Makes a class decorator of `add` that works in every form: TypeScript's and JavaScript's standard
 * decorators, TypeScript's older ones, and a plain call.
 */
export function classDecorator<Base>(add: (target: Base) => void) {
  return <Class extends Base>(target: Class, context?: ClassDecoratorContext): Class => {
    // A standard decorator runs before static fields are set: wait until the class is complete.
    if (typeof context?.addInitializer === 'function') {
      context.addInitializer(function (this: unknown) {
        add(this as Base);
      });
    } else {
      add(target);
    }
    return target;
  };
}
