"""What every service stands on: settings, database, accounts, tokens, the gate before every request, the audit log."""
