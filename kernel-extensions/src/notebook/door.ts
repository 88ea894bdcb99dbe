/** What notebooks and scripts import from: the package's one door. */
export const door = '@flowbook/kernel-extensions';
