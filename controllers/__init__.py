"""What goes into a street cabinet or a village office; imports none of the other rooms and nothing heavy."""
