"""Live readings of city platforms over HTTP: NGSI-LD and SensorThings, in and out."""
