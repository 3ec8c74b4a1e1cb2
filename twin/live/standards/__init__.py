"""City platforms' own languages: our readings as NGSI-LD entities and as SensorThings observations, and back."""
