"""The carbon exchange: the twin's engine, mechanisms, ledger and surveillance behind one durable log of commands."""
