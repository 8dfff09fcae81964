"""LaunchDarkly's client for Python as a peer of the yardstick."""

import sys
import time

import launchdarkly_api

configuration = launchdarkly_api.Configuration(host=sys.argv[1])
configuration.api_key["ApiKey"] = "api-00000000-1111-4222-8333-444444444444"
tokens = launchdarkly_api.AccessTokensApi(launchdarkly_api.ApiClient(configuration))
while sys.stdin.readline():
    start = time.process_time_ns()
    page = tokens.get_tokens(limit=10_000, offset=0)
    took = time.process_time_ns() - start
    assert len(page.items) == 10_000
    print(took, flush=True)
    del page
