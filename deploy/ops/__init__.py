"""Operating the services: backup and restore, units, images, the runbook."""
