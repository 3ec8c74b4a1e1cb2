"""IDXCarbon's four mechanisms: regular (continuous), auction, negotiated, marketplace; their rules and fees."""
