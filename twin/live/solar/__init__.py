"""Village offices as they are now: charge of the battery, and the sun of the next hour, each with its uncertainty."""
