"""The labour market: a county's people as columns, search and stable matching, JOBTREN against a twin without it."""
