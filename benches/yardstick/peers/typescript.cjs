// LaunchDarkly's client for TypeScript as a peer of the yardstick.
const { AccessTokensApi, Configuration } = require("launchdarkly-api-typescript");
const readline = require("node:readline");

const configuration = new Configuration({
  basePath: process.argv[2],
  apiKey: "api-00000000-1111-4222-8333-444444444444",
});
const tokens = new AccessTokensApi(configuration);
(async () => {
  for await (const _ of readline.createInterface({ input: process.stdin })) {
    const start = process.cpuUsage();
    const page = await tokens.getTokens(undefined, 10_000, 0, { maxBodyLength: Infinity });
    const took = process.cpuUsage(start);
    if (page.data.items.length !== 10_000) throw new Error("tokens are missing");
    console.log((took.user + took.system) * 1000);
  }
})();
