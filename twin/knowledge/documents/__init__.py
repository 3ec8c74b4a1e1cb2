"""Documents of five kinds (PDF, DOCX, HTML, Markdown, text) as blocks of text that know their page and section."""
