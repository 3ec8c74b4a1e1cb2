"""Shadow mode: a candidate sees what the controller in charge sees, proposes, and the twin says what it would bring."""
