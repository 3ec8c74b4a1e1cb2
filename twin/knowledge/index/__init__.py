"""The index: how Indonesian text becomes terms, how documents become plain files, and how those are searched."""
