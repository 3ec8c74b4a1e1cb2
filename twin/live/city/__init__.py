"""A whole city to try: a simulated street under real controllers, and the twin that follows it, over one broker."""
