"""Anti Mbangkong's paperless filing: requests and their rules, the audit trail, signed records and signed PDFs."""
