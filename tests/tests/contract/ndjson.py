"""Teaches Schemathesis the media type of imports: a text with an object on each line."""

import json

import schemathesis


@schemathesis.serializer("application/x-ndjson")
def lines(ctx, value):
    """Sends texts and bytes as they are, and everything else as a single line."""
    if isinstance(value, bytes):
        return {"data": value}
    text = value if isinstance(value, str) else json.dumps(value)
    return {"data": text.encode(errors="surrogatepass")}
