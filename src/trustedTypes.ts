/**
 * The one place that lets an address become a script. The content security policy demands it (`require-trusted-types-for`):
 * whatever else would make a script, or HTML, of a string fails, in our code and in every library's.
 *
 * Imported first by the page and by each worker that starts others.
 */

/** What is used of `TrustedTypePolicyFactory`; not every browser has it. */
interface PolicyFactory {
  createPolicy(name: string, rules: { createScriptURL(url: string): string }): unknown;
}

const { trustedTypes } = globalThis as { trustedTypes?: PolicyFactory };

trustedTypes?.createPolicy('default', {
  createScriptURL: (url) => {
    if (new URL(url, location.href).origin === location.origin) return url;
    throw new TypeError(`"${url}" is not of this app, so it is not run`);
  },
});
