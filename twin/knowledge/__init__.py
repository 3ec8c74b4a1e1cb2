"""Knowledge: documents into a searchable index, LARAS who answers from it with quotes, and EcoBalance's reviewer."""
