import { HUB_PORT } from '../browser/chosenBrowser.ts';
import { test as base } from '../browser/fixtures.ts';
import { HubServer, type HubServerOptions } from './hubServer.ts';

interface HubFixtures {
  /** What the hub has: `test.use({ published: { repositories: … } })`. */
  readonly published: Omit<HubServerOptions, 'port'>;
  /** A hub where the app's policy allows one, for one test. */
  readonly hub: HubServer;
}

/** What a hub with a delivery network of its own, and one that misbehaves, bring with them. */
const EXPECTED_ERRORS = [
  /^Request to http:\/\/127\.0\.0\.1:/,
  /net::ERR_(CONTENT_LENGTH_MISMATCH|INCOMPLETE_CHUNKED_ENCODING|CONNECTION_RESET|EMPTY_RESPONSE)/,
];

/** Playwright's `test` with a hub. */
export const test = base.extend<HubFixtures>({
  published: [{ repositories: {} }, { option: true }],
  expectedErrors: async ({ browserName: _ }, use) => {
    await use(EXPECTED_ERRORS);
  },
  hub: async ({ published }, use) => {
    const hub = await HubServer.start({ ...published, port: HUB_PORT });
    await use(hub);
    await hub.close();
  },
});

export { expect } from '../browser/fixtures.ts';
