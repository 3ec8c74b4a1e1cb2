"""Outside city platforms over HTTP: polled for their readings, and given ours."""
