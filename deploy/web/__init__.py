"""Pages and forms in Bahasa Indonesia, made on the server, without scripts: they work on any phone."""
