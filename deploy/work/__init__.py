"""Long work beside the services: jobs in processes of their own, and the twin's runs and what-ifs."""
