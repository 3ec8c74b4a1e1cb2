"""The twin follows a city: messages come in and are kept, the present state is estimated, drift raises an alarm."""
