"""The report for people: one content, as a page (HTML) and as a document to keep (PDF)."""
