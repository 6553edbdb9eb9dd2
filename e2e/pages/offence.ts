const OFFENCES: Record<string, () => void> = {
  'a console error': () => console.error('on the console'),
  'an uncaught error': () => {
    setTimeout(() => {
      throw new Error('uncaught');
    });
  },
  // Whatever the hub: the policy allows it, the tests do not.
  'a request to another machine': () => void fetch('https://raw.githubusercontent.com/offence.json').catch(() => {}),
  'a violation of the policy': () => void fetch('https://example.com/offence.json').catch(() => {}),
};

/** Does, in a page or a worker, something that no test may leave unnoticed. */
export function commit(name: string): void {
  const offence = OFFENCES[name];
  if (!offence) throw new RangeError(`No offence is called "${name}"`);
  offence();
}
