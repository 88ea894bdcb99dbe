/** Whether a variable says yes, in the ecosystem's spellings. */
export function isSet(value: string | undefined): boolean {
  return ['1', 'ON', 'YES', 'TRUE'].includes((value ?? '').toUpperCase());
}
